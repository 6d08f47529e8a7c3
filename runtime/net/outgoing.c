#include "net/outgoing.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"

enum {
    COPY_MAX = 4096, /* a run this small is sent in one piece with its head */
    RUNS_PER_TURN = 16, /* then other connections have their turn */
};

struct pending {
    uv_write_t request;
    struct conn *conn;
    size_t n;
    char bytes[];
};

static void on_written(uv_write_t *request, int status)
{
    struct pending *p = container_of(request, struct pending, request);
    struct conn *c = p->conn;

    c->pending = NULL;
    c->is_active = true;
    free(p);
    if (c->state == CONN_CLOSING)
        return;
    if (status < 0)
        conn_close(c, CONN_END_QUIET);
    else
        conn_run(c);
}

/* Queue what is behind the first `sent` bytes of the parts. */
static int queue_rest(struct conn *c, uv_buf_t *parts, unsigned count,
                      size_t sent)
{
    size_t n = 0;

    for (unsigned i = 0; i < count; i++)
        n += parts[i].len;
    if (sent == n)
        return 0;
    struct pending *p = mem_alloc(sizeof(*p) + n - sent);

    p->conn = c;
    p->n = 0;
    for (unsigned i = 0; i < count; i++) {
        size_t skip = sent < parts[i].len ? sent : parts[i].len;

        memcpy(p->bytes + p->n, parts[i].base + skip, parts[i].len - skip);
        p->n += parts[i].len - skip;
        sent -= skip;
    }
    uv_buf_t rest = uv_buf_init(p->bytes, (unsigned)p->n);

    if (uv_write(&p->request, (uv_stream_t *)&c->tcp, &rest, 1, on_written)) {
        free(p);
        return ERR_IO;
    }
    c->pending = p;
    return 0;
}

int outgoing_send(struct conn *c, uv_buf_t *parts, unsigned count,
                  enum outgoing_way way)
{
    int sent = 0;

    c->is_active = true;
    c->exchange->unsent = 0;
    if (way == OUTGOING_TRY && c->pending == NULL)
        sent = uv_try_write((uv_stream_t *)&c->tcp, parts, count);
    if (sent < 0 && sent != UV_EAGAIN)
        return ERR_IO;
    return queue_rest(c, parts, count, sent < 0 ? 0 : (size_t)sent);
}

static void on_readable(struct body *b, void *arg)
{
    (void)b;
    conn_run(arg);
}

/* Failed before the head was sent, which can still say so. */
static bool has_failed(const struct body *b)
{
    return b != NULL && body_error(b) != 0;
}

/* Statuses below 200 end no request; a handler that gives one is at fault, and
 * so is one whose body fails at once. */
static void check_answer(struct exchange *x)
{
    if (x->response->status >= 200 && !has_failed(x->response->body))
        return;
    outgoing_drop(x);
    x->response = response_text(500, slice_of(status_reason(500)));
}

static void start(struct conn *c)
{
    struct exchange *x = c->exchange;

    check_answer(x);
    x->is_started = true;
    if (c->shared->is_draining || x->awaits_continue)
        x->terms.keep_alive = false;
    x->plan = http_reply_plan(x->response, &x->terms);
    x->left = x->plan.length;
    struct body *b = x->response->body;

    if (b == NULL)
        return;
    if (!x->plan.has_body)
        body_abandon(b);
    else if (!body_is_over(b))
        body_on_readable(b, on_readable, c);
}

/* What goes out in one write. */
struct frame {
    uv_buf_t parts[3];
    unsigned count;
    struct slice run; /* of the body, borrowed */
};

/* Choose the next run; x->is_all_sent when nothing comes after it.  Returns 0,
 * or ERR_IO when the body breaks off or is longer than was said. */
static int choose_run(struct exchange *x, struct slice *run)
{
    struct body *b = x->response->body;
    enum body_state state = BODY_ENDED;

    *run = (struct slice){0};
    if (x->plan.has_body)
        state = body_peek(b, run);
    if (state == BODY_FAILED)
        return ERR_IO;
    if (run->n > OUTGOING_RUN_MAX)
        run->n = OUTGOING_RUN_MAX;
    bool is_end = state == BODY_ENDED &&
                  (!x->plan.has_body || body_buffered(b) == run->n);

    if (x->plan.has_body && x->plan.framing == HTTP_LENGTH) {
        x->left -= (int64_t)run->n;
        if (x->left < 0 || (is_end && x->left != 0))
            return ERR_IO;
        is_end = x->left == 0;
    }
    x->is_all_sent = is_end;
    return 0;
}

static void add_part(struct frame *f, struct slice s)
{
    if (s.n != 0)
        f->parts[f->count++] = uv_buf_init((char *)s.p, (unsigned)s.n);
}

/* Lay out head, run and what frames the run, in one piece if it is small. */
static void lay_out(struct exchange *x, struct frame *f)
{
    struct shared *s = x->conn->shared;
    bool is_chunked = x->plan.framing == HTTP_CHUNKED && x->plan.has_body;
    struct slice tail = {0};

    s->out.n = 0;
    if (!x->has_head_sent)
        http_reply_head(&s->out, x->response, &x->plan, shared_date(s));
    x->has_head_sent = true;
    if (is_chunked && f->run.n != 0) {
        http_chunk_line(&s->out, f->run.n);
        tail = x->is_all_sent ? SLICE("\r\n0\r\n\r\n") : SLICE("\r\n");
    } else if (is_chunked && x->is_all_sent) {
        tail = SLICE("0\r\n\r\n");
    }
    if (f->run.n <= COPY_MAX) {
        buf_add_slice(&s->out, f->run);
        buf_add_slice(&s->out, tail);
        add_part(f, buf_slice(&s->out));
        return;
    }
    add_part(f, buf_slice(&s->out));
    add_part(f, f->run);
    add_part(f, tail);
}

/* Send one frame.  Sets `*is_idle` when there was nothing to send. */
static int send_frame(struct conn *c, enum outgoing_way way, bool *is_idle)
{
    struct exchange *x = c->exchange;
    struct body *b = x->response->body;
    struct frame f = {.count = 0};
    int rc = choose_run(x, &f.run);

    if (rc != 0)
        return rc;
    lay_out(x, &f);
    *is_idle = f.count == 0;
    if (f.count != 0)
        rc = outgoing_send(c, f.parts, f.count, way);
    if (rc == 0 && f.run.n != 0)
        body_consume(b, f.run.n); /* may close the connection */
    return rc;
}

enum outgoing_state outgoing_run(struct conn *c)
{
    struct exchange *x = c->exchange;

    if (!x->is_started)
        start(c);
    for (int runs = 0; c->state == CONN_WRITE && c->pending == NULL; runs++) {
        bool is_idle = false;

        if (x->is_all_sent)
            return OUTGOING_DONE;
        if (send_frame(c, runs < RUNS_PER_TURN ? OUTGOING_TRY : OUTGOING_LOOP,
                       &is_idle) != 0)
            return OUTGOING_BROKEN;
        if (is_idle && c->state == CONN_WRITE && !x->is_all_sent)
            return OUTGOING_WAITS;
    }
    return OUTGOING_WAITS;
}

void outgoing_drop(struct exchange *x)
{
    struct response *rs = x->response;

    x->response = NULL;
    if (rs == NULL)
        return;
    if (rs->body != NULL) {
        body_on_readable(rs->body, NULL, NULL);
        body_abandon(rs->body);
    }
    response_drop(rs);
}
