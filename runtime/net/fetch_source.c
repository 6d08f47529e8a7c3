#include "net/fetch_source.h"

#include <string.h>

#include "base/err.h"

void fetch_source_init(struct fetch_source *s, struct body *body)
{
    struct slice run;

    *s = (struct fetch_source){0};
    if (body == NULL)
        return;
    s->length = body_left(body);
    if (body_is_over(body) && body_error(body) == 0) {
        s->is_whole = true;
        for (body_peek(body, &run); run.n != 0; body_peek(body, &run)) {
            buf_add_slice(&s->whole, run);
            body_consume(body, run.n);
        }
        s->length = (int64_t)s->whole.n;
        return;
    }
    s->body = body_hold(body);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

int64_t fetch_source_take(struct fetch_source *s, char *p, size_t n)
{
    struct slice run;

    if (s->body == NULL) {
        n = least(n, s->whole.n - s->at);
        if (n != 0)
            memcpy(p, s->whole.p + s->at, n);
        s->at += n;
        return (int64_t)n;
    }
    enum body_state state = body_peek(s->body, &run);

    if (run.n == 0 && state == BODY_OPEN)
        return ERR_BUSY;
    s->is_sent = run.n == 0;
    if (run.n == 0)
        return body_error(s->body);
    n = least(n, run.n);
    memcpy(p, run.p, n);
    s->taken += (int64_t)n;
    body_consume(s->body, n);
    return (int64_t)n;
}

bool fetch_source_is_sent(const struct fetch_source *s)
{
    if (s->body == NULL)
        return s->at == s->whole.n;
    return s->is_sent || s->taken == s->length;
}

int fetch_source_rewind(struct fetch_source *s)
{
    s->at = 0;
    return s->taken != 0 ? ERR_CLOSED : 0;
}

void fetch_source_on_more(struct fetch_source *s, body_cb cb, void *arg)
{
    if (s->body != NULL)
        body_on_readable(s->body, cb, arg);
}

void fetch_source_fini(struct fetch_source *s)
{
    struct body *b = s->body;

    buf_fini(&s->whole);
    *s = (struct fetch_source){0};
    if (b == NULL)
        return;
    body_on_readable(b, NULL, NULL);
    body_abandon(b);
    body_drop(b);
}
