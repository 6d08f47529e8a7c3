#include "object/label.h"

#include "base/text.h"
#include "object/cause.h"
#include "object/object.h"

/* Bytes of a name that are shown. */
enum { SHOWN_MAX = 64 };

/* Names may be any bytes; a message is a line of text. */
static void add_name(struct buf *out, struct slice name)
{
    size_t n = name.n < SHOWN_MAX ? name.n : SHOWN_MAX;

    while (n != 0 && n < name.n && (name.p[n] & 0xc0) == 0x80)
        n--; /* not in the midst of a character */
    buf_add_text(out, " '");
    text_add_escaped(out, (struct slice){name.p, n}, TEXT_PRINTABLE);
    buf_add_text(out, n < name.n ? "...'" : "'");
}

void label_add(struct buf *out, const struct label *l)
{
    char hex[OID_HEX + 1];

    if (l->oid == NULL) {
        buf_add_text(out, "the router");
    } else {
        buf_add_text(out, l->class_name == NULL ? "object" : l->class_name);
        if (l->name.n != 0) {
            add_name(out, l->name);
        } else {
            oid_to_hex(l->oid, hex);
            buf_printf(out, " %s", hex);
        }
    }
    buf_printf(out, ".%s", l->method[0] == '\0' ? "(function)" : l->method);
}

static const char *method_of(enum event_kind kind, const char *method)
{
    static const char *const names[] = {
        [EVENT_FETCH] = "fetch", [EVENT_CALL] = "",
        [EVENT_INIT] = "init",   [EVENT_SOCKET] = "webSocketMessage",
        [EVENT_ALARM] = "alarm", [EVENT_TASK] = "(task)"};

    return kind == EVENT_CALL && method != NULL ? method : names[kind];
}

void label_event(struct buf *out, struct object *o, const struct event *e)
{
    const struct cause *from = e->from;
    struct label l = {.class_name = o->cls == NULL ? NULL : o->cls->name,
                      .name = {o->name, o->name_n},
                      .oid = o->cls == NULL ? NULL : &o->id};

    if (o->name == NULL && o->db != NULL)
        l.name = object_name(o);
    if (from != NULL && from->event == NULL) {
        l.method = method_of(from->kind, from->method);
    } else {
        const struct event *root = from == NULL ? e : from->event;

        l.method = method_of(root->kind, root->method);
    }
    label_add(out, &l);
}
