#include "host/inspect.h"

#include <stdlib.h>

#include "base/mem.h"
#include "bindings/address_text.h"
#include "host/row.h"
#include "host/worker.h"
#include "object/object.h"
#include "object/socket.h"
#include "store/contents.h"
#include "store/db.h"
#include "store/directory.h"
#include "store/kv.h"
#include "store/sql.h"
#include "vm/value_text.h"

/* ---- the database ---- */

int inspect_open(struct worker *w, const char *class_name, const struct oid *id,
                 struct inspect_db *out, struct error *err)
{
    struct object *o = realm_find(&w->realm, id);
    struct db_config config = {
        .client = w->store, .class_name = class_name, .id = *id};

    *out = (struct inspect_db){0};
    if (o != NULL && o->db != NULL) {
        out->db = o->db;
        return 0;
    }
    out->is_own = true;
    return db_open(&config, &out->db, err);
}

void inspect_close(struct inspect_db *d)
{
    if (d->is_own)
        db_close(d->db);
    d->db = NULL;
}

/* ---- keys ---- */

struct key {
    struct buf name;
    int64_t bytes;
};

struct keys {
    struct key at[INSPECT_KEYS];
    size_t count;
};

static void on_key(void *arg, struct slice name, int64_t bytes)
{
    struct keys *keys = arg;
    struct key *k = &keys->at[keys->count++];

    buf_add_slice(&k->name, name);
    k->bytes = bytes;
}

/* The value of `k` as text, as long as not too much was read before. */
static void add_preview(struct db *d, const struct key *k, int64_t *left,
                        struct buf *row)
{
    struct buf text = {0};
    struct slice value;
    struct error err;

    if (k->bytes > *left) {
        row_add_none(row, "value");
        return;
    }
    *left -= k->bytes;
    if (kv_get(d, buf_slice(&k->name), &value, &err) == 1)
        value_text(value, INSPECT_PREVIEW, address_text, &text);
    row_add_text(row, "value", buf_slice(&text));
    buf_fini(&text);
}

static int add_keys(struct inspection *i, struct db *d)
{
    struct keys *keys = mem_zalloc(sizeof(*keys));
    int64_t left = INSPECT_READ_BYTES;
    struct buf row = {0};

    i->keys = contents_key_count(d, &i->error);
    int rc = i->keys < 0
                 ? (int)i->keys
                 : contents_keys(d, INSPECT_KEYS, on_key, keys, &i->error);
    for (size_t n = 0; n < keys->count; n++) {
        struct key *k = &keys->at[n];

        row_begin(&row, "key");
        row_add_text(&row, "key", buf_slice(&k->name));
        row_add_integer(&row, "bytes", k->bytes);
        add_preview(d, k, &left, &row);
        row_join(&i->rows, buf_slice(&row));
        buf_fini(&k->name);
    }
    buf_fini(&row);
    free(keys);
    return rc;
}

/* ---- tables, alarms, sockets ---- */

static void on_table(void *arg, const char *name, int64_t rows)
{
    struct inspection *i = arg;
    struct buf row = {0};

    row_begin(&row, "table");
    row_add_text(&row, "name", slice_of(name));
    if (rows < 0)
        row_add_none(&row, "rows");
    else
        row_add_integer(&row, "rows", rows);
    row_join(&i->rows, buf_slice(&row));
    buf_fini(&row);
}

void inspect_add_state(struct buf *row, const struct survey *s)
{
    static const char *const names[] = {[SURVEY_ASLEEP] = "asleep",
                                        [SURVEY_WAKING] = "waking",
                                        [SURVEY_AWAKE] = "awake",
                                        [SURVEY_HIBERNATING] = "hibernating"};

    row_add_text(row, "state", slice_of(names[s->state]));
}

void inspect_add_object(struct buf *row, struct slice class_name,
                        const struct oid *id, struct slice name)
{
    char hex[OID_HEX + 1];

    oid_to_hex(id, hex);
    row_add_text(row, "class", class_name);
    row_add_name(row, "name", name);
    row_add_text(row, "id", slice_of(hex));
}

void inspect_alarm_row(struct buf *row, const struct alarm *a,
                       const struct directory_entry *entry)
{
    static const char *const missed[] = {"once", "all", "skip"};

    row_begin(row, a->dead != 0 ? "dead" : "alarm");
    if (a->dead != 0)
        row_add_integer(row, "dead", a->dead);
    else
        row_add_integer(row, "due", a->due);
    if (entry != NULL)
        inspect_add_object(row, entry->class_name, &entry->id, entry->name);
    row_add_text(row, "alarm", a->name);
    row_add_integer(row, "time", a->time);
    row_add_nonzero(row, "every", a->every);
    row_add_name(row, "cron", a->cron);
    row_add_text(row, "missed", slice_of(missed[a->missed]));
    row_add_integer(row, "retries", a->retries);
    if (a->dead != 0)
        row_add_text(row, "error", a->error);
}

static int on_alarm(void *arg, const struct alarm *a)
{
    struct inspection *i = arg;
    struct buf row = {0};

    inspect_alarm_row(&row, a, NULL);
    row_join(&i->rows, buf_slice(&row));
    buf_fini(&row);
    return 0;
}

struct sockets_shown {
    struct buf *rows;
    int left;
};

static int on_socket(void *arg, const struct socket *s)
{
    static const char *const states[] = {"open", "closing", "closed"};
    struct sockets_shown *shown = arg;
    struct buf tags = {0};
    struct buf row = {0};

    for (size_t i = 0; i < socket_tag_count(s); i++)
        row_join(&tags, socket_tag(s, i));
    row_begin(&row, "socket");
    row_add_text(&row, "readyState", slice_of(states[s->state]));
    row_add_bool(&row, "hibernatable", s->mode == SOCKET_HIBERNATABLE);
    row_add_texts(&row, "tags", &tags);
    row_join(shown->rows, buf_slice(&row));
    buf_fini(&row);
    buf_fini(&tags);
    return --shown->left == 0;
}

/* ---- all of it ---- */

static int add_storage(struct inspection *i, struct db *d)
{
    struct slice name = db_name(d);

    i->has_storage = db_exists(d);
    buf_add_slice(&i->name, name);
    i->bytes = i->has_storage ? sql_database_size(d) : 0;
    int rc = add_keys(i, d);
    if (rc == 0)
        rc = contents_tables(d, on_table, i, &i->error);
    if (rc == 0)
        rc = alarm_each(d, ALARM_ALIVE, on_alarm, i, &i->error);
    if (rc == 0)
        rc = alarm_each(d, ALARM_DEAD, on_alarm, i, &i->error);
    i->next_alarm = rc == 0 ? alarm_next(d) : 0;
    return rc;
}

void inspect_object(struct worker *w, void *arg)
{
    struct inspection *i = arg;
    struct object *o = realm_find(&w->realm, &i->id);
    struct inspect_db d;

    survey_object(o, &i->survey);
    i->is_in_memory = o != NULL;
    if (inspect_open(w, i->class_name, &i->id, &d, &i->error) == 0) {
        /* One that has no storage would get a connection for nothing. */
        if ((!db_exists(d.db) && !db_is_dirty(d.db)) ||
            add_storage(i, d.db) == 0)
            i->error.code = 0;
        inspect_close(&d);
    }
    if (o != NULL)
        survey_sockets(o, on_socket,
                       &(struct sockets_shown){&i->rows, INSPECT_SOCKETS});
}

void inspect_fini(struct inspection *i)
{
    buf_fini(&i->name);
    buf_fini(&i->rows);
}
