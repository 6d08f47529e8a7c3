/*
 * world_assets.c - static files in a world: the real ones, looked at in libuv's
 * thread pool, for which the world stands still; and read to their end, so that
 * no file is open in a response that the test keeps.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "base/must.h"
#include "host/assets.h"
#include "host/world_inside.h"

struct question {
    struct assets_ask ask;
    struct world_call *call;
    struct response *response; /* owned, while its body is read */
    struct buf bytes;
};

static void finish(struct question *q)
{
    struct response *rs = q->response;
    struct response whole = *rs;

    if (body_error(rs->body) == 0) {
        whole.body = body_take(&q->bytes);
    } else {
        whole.body = body_new(-1);
        body_fail(whole.body, body_error(rs->body));
    }
    struct response *built = response_build(&whole);

    response_drop(rs);
    world_call_answer(q->call, built);
    buf_fini(&q->bytes);
    free(q);
}

static void on_readable(struct body *body, void *arg)
{
    struct question *q = arg;
    struct slice run;

    while (body_peek(body, &run), run.n != 0) {
        buf_add_slice(&q->bytes, run);
        body_consume(body, run.n);
    }
    if (!body_is_over(body))
        return;
    body_on_readable(body, NULL, NULL);
    finish(q);
}

static void on_done(struct assets_ask *ask, struct response *rs)
{
    struct question *q = container_of(ask, struct question, ask);
    struct world_call *c = q->call;
    struct request *rq = ask->request;

    if (rs != NULL && rs->body != NULL && !body_is_over(rs->body)) {
        q->response = rs;
        request_drop(rq);
        body_on_readable(rs->body, on_readable, q);
        on_readable(rs->body, q);
        return;
    }
    free(q);
    if (rs == NULL) {
        world_call_route(c, rq);
        return;
    }
    request_drop(rq);
    world_call_answer(c, rs);
}

bool world_assets_ask(struct world *w, struct request *rq, struct world_call *c)
{
    struct assets *assets = world_worker(w)->assets;
    struct question *q;

    if (assets == NULL)
        return false;
    q = mem_zalloc(sizeof(*q));
    q->ask = (struct assets_ask){.request = rq, .done = on_done};
    list_init(&q->ask.link);
    q->call = c;
    if (assets_ask(assets, &q->ask))
        return true;
    free(q);
    return false;
}
