#include "object/wake.h"

#include "base/must.h"
#include "object/event.h"
#include "object/firing.h"
#include "object/object.h"
#include "object/socket.h"
#include "vm/code.h"

static struct event *first_of(const struct object *o)
{
    return container_of(o->mailbox.next, struct event, link);
}

void wake_fail_first(struct object *o, struct outcome *outcome)
{
    struct list *link = list_shift(&o->mailbox);

    if (link == NULL) {
        outcome_fini(outcome);
        return;
    }
    struct event *e = container_of(link, struct event, link);

    o->mailbox_n--;
    outcome_fini(&e->outcome);
    e->outcome = *outcome;
    *outcome = (struct outcome){0};
    if (e->kind == EVENT_SOCKET)
        socket_event_failed(e);
    else if (e->kind == EVENT_ALARM)
        firing_event_failed(o, &e->outcome);
    gate_push(&o->realm->gate, &e->gate, object_gate_number(o, &e->gate));
}

/* `failed` is taken over. */
static void fail(struct object *o, struct outcome *failed,
                 const struct object_reset *why)
{
    if (o->mailbox_n != 0)
        object_log_socket(o, first_of(o), why->text);
    wake_fail_first(o, failed);
    firing_reset(o, why);
}

void wake_put_off(struct object *o, const char *text)
{
    const struct object_reset why = {.text = text, .retryable = true};
    struct outcome failed = {0};

    outcome_fail(&failed, "reset", "%s", text);
    failed.failure->retryable = true;
    oid_to_hex(&o->id, failed.failure->object_id);
    fail(o, &failed, &why);
}

bool wake_open(struct object *o)
{
    struct outcome failed = {0};
    struct error err;

    o->realm->now_ns = 0;
    o->since_ns = realm_now_ns(o->realm);
    o->woken_by_alarm = first_of(o)->kind == EVENT_ALARM;
    o->version = o->realm->version;
    o->code = code_hold(o->realm->config.code);
    if (o->realm->config.script->open(o, &err) == 0) {
        object_woke(o);
        return true;
    }
    code_drop(o->code);
    o->code = NULL;
    outcome_fail(&failed, NULL, "%s", err.text);
    fail(o, &failed, &(struct object_reset){.text = err.text});
    return false;
}
