#include "object/tap.h"

#include <stdlib.h>

#include "base/mem.h"
#include "object/socket.h"
#include "vm/task.h"

static struct db_tally tally_of(const struct object *o)
{
    return o->db == NULL ? (struct db_tally){0} : db_tally(o->db);
}

static int64_t body_size(const struct body *b)
{
    return b == NULL ? 0 : body_length(b);
}

static int64_t size_in(const struct event *e)
{
    switch (e->kind) {
    case EVENT_FETCH:
        return e->request == NULL ? -1 : body_size(e->request->body);
    case EVENT_CALL:
        return (int64_t)e->args.n;
    case EVENT_SOCKET:
        return (int64_t)e->news->bytes.n;
    default:
        return 0;
    }
}

static int64_t size_out(const struct outcome *o)
{
    if (o->kind == OUTCOME_RESPONSE)
        return body_size(o->response->body);
    return o->kind == OUTCOME_VALUES ? (int64_t)o->values.n : 0;
}

void tap_begin(struct object *o, struct event *e)
{
    if (e->cost == NULL) {
        e->cost = mem_zalloc(sizeof(*e->cost));
        e->cost->bytes_in = size_in(e);
    }
    e->cost->rows_before = tally_of(o);
    e->cost->sent_before = o->sent;
}

void tap_end(struct object *o, struct event *e)
{
    struct tap_cost *c = e->cost;
    struct db_tally now = tally_of(o);

    c->cpu_ns = e->task->cpu_ns;
    c->bytes_out += (int64_t)(o->sent - c->sent_before);
    /* The run may have opened the database. */
    c->rows.read += now.read - c->rows_before.read;
    c->rows.written += now.written - c->rows_before.written;
}

void tap_tell(struct object *o, struct event *e)
{
    const struct realm_config *config = &o->realm->config;
    struct tap_cost *c = e->cost;
    uint64_t now = clock_mono_ns(config->clock);
    int64_t out = size_out(&e->outcome);

    c->took_ns = now > e->began_ns ? now - e->began_ns : 0;
    c->bytes_out = out < 0 ? out : c->bytes_out + out;
    e->cost = NULL;
    if (o->realm->is_tapped)
        config->host->event_over(config->host_arg, o, e, c);
    free(c);
}
