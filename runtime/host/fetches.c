#include "host/fetches.h"

#include "host/worker.h"
#include "net/fetch.h"
#include "object/port.h"

static enum fetch_redirect redirect_of(enum fetch_call_redirect r)
{
    switch (r) {
    case FETCH_CALL_MANUAL:
        return FETCH_MANUAL;
    case FETCH_CALL_FAIL:
        return FETCH_FAIL;
    case FETCH_CALL_FOLLOW:
        break;
    }
    return FETCH_FOLLOW;
}

static void on_done(void *arg, struct response *rs, const struct error *err)
{
    struct fetch_call *c = arg;

    c->flight = NULL;
    c->done(c, rs, err);
}

void fetches_begin(void *host, struct fetch_call *c)
{
    struct worker *w = host;
    struct request *rq = c->request;
    struct fetch_options options = {.timeout_ms = c->timeout_ms,
                                    .redirect = redirect_of(c->redirect)};

    c->request = NULL;
    c->flight = fetch_begin(w->outbound, rq, &options, on_done, c);
}

void fetches_cancel(void *host, struct fetch_call *c)
{
    (void)host;
    fetch_cancel(c->flight);
}
