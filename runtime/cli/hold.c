#include "cli/hold.h"

#include "host/row.h"

struct holding {
    struct hold hold;
    int (*work)(void *arg, const struct hold *h);
    void *arg;
    bool has_begun;
    int rc;
};

static int on_held(void *arg, struct slice row)
{
    struct holding *h = arg;

    if (!row_is(row, "held"))
        return 0;
    h->hold.oldest = (uint64_t)row_integer(row, "oldest");
    h->has_begun = true;
    h->rc = h->work(h->arg, &h->hold);
    return 1; /* and let go */
}

int hold_data(struct ask *a, int (*work)(void *arg, const struct hold *h),
              void *arg)
{
    struct holding h = {.hold = {.ask = a}, .work = work, .arg = arg};
    struct error err = {0};

    if (client_open(&a->config, CLIENT_DATA, &a->client, &err) != 0)
        return command_failed(a->self, "%s", err.text);
    row_begin(&a->question, "hold");
    int rc = ask_rows(a, on_held, &h);

    return h.has_begun ? h.rc : rc;
}

static int on_point(void *arg, struct slice row)
{
    struct hold_point *p = arg;
    struct slice id = row_text(row, "id");

    p->number = (uint64_t)row_integer(row, "number");
    p->objects = row_integer(row, "objects");
    oid_from_hex(id.p, id.n, &p->id);
    return 0;
}

/* A server takes one question for each connection. */
static int ask_again(struct ask *a, struct slice question,
                     struct hold_point *out, struct error *err)
{
    struct client *c;

    if (!client_is_server(a->client))
        return client_ask(a->client, question, on_point, out, err);
    int rc = client_open(&a->config, CLIENT_SERVER, &c, err);
    if (rc == 0)
        rc = client_ask(c, question, on_point, out, err);
    client_close(c);
    return rc;
}

int hold_point(const struct hold *h, enum hold_object which, const char *id,
               struct hold_point *out)
{
    struct error err = {0};
    struct buf kept = h->ask->question;

    *out = (struct hold_point){0};
    h->ask->question = (struct buf){0};
    row_begin(&h->ask->question, "point");
    if (which == HOLD_OBJECT)
        ask_add_object(h->ask, id);
    int rc = ask_again(h->ask, buf_slice(&h->ask->question), out, &err);

    buf_fini(&h->ask->question);
    h->ask->question = kept;
    return rc == 0 ? 0 : command_failed(h->ask->self, "%s", err.text);
}

int hold_check(const struct hold *h)
{
    if (client_is_there(h->ask->client))
        return 0;
    return command_failed(h->ask->self,
                          "the server went away in the midst of it: start "
                          "again");
}
