/*
 * tool_httpd.c - a small program around net/server.h, driven by the specs.
 *
 *   tool_httpd [address=127.0.0.1:0] [body_bytes=N] [header_ms=N]
 *              [keepalive_ms=N] [connections=N]
 *
 * Prints "port N" and serves:
 *   /hello         "hello"
 *   /info          method, url, target, ip and fields of the request
 *   /echo          the request's body, as it comes
 *   /count         reads the request's body, then answers with its length
 *   /hold          the same, but starts to read after ?ms=N
 *   /ignore        answers without looking at the body
 *   /abandon       the same, abandoning it
 *   /late          answers at once and goes on reading the body
 *   /slow?ms=N     "slow" after N ms
 *   /never         no answer
 *   /stream?n=N    N bytes, length not known before
 *   /length?n=N    N bytes, made as they are taken, length known
 *   /big?n=N       N bytes, made at once
 *   /break?n=N     as /stream, but fails after N bytes
 *   /status?n=N    an answer of that status with a body
 *   /told          Content-Length: 1234 and no body, for HEAD
 *   /dirty         fields that must not leave as they are
 *   /stats         counts of requests, of those gone, of failed bodies, of
 *                  abandoned answers, of connections
 * SIGTERM drains and exits, SIGINT closes and exits.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/mem.h"
#include "base/must.h"
#include "net/exchange.h"
#include "net/server.h"

struct program {
    uv_loop_t loop;
    uv_signal_t term, interrupt;
    struct server *server;
    int64_t requests, gone, failed, abandoned;
};

/* A request that is answered later. */
struct job {
    uv_timer_t timer;
    struct program *program;
    struct exchange *exchange; /* NULL once gone or answered */
    struct body *body;         /* being read or written; NULL without one */
    int64_t count;             /* bytes read, or left to write */
    bool breaks;
    bool has_timer;
};

static struct response *answer(int status, struct body *body)
{
    struct field type = {SLICE("Content-Type"), SLICE("text/plain")};

    return response_build(&(struct response){
        .status = status, .field_count = 1, .fields = &type, .body = body});
}

static struct response *text(const char *s)
{
    return answer(200, body_from(s, strlen(s)));
}

static int64_t parameter(const struct request *rq, const char *name)
{
    char url[1024];

    snprintf(url, sizeof(url), "%.*s", (int)rq->target.n, rq->target.p);
    char *at = strstr(url, name);

    return at == NULL ? 0 : strtoll(at + strlen(name), NULL, 10);
}

static bool is_path(const struct request *rq, const char *path)
{
    size_t n = strlen(path);

    return rq->target.n >= n && memcmp(rq->target.p, path, n) == 0 &&
           (rq->target.n == n || rq->target.p[n] == '?');
}

static struct response *info(const struct request *rq)
{
    struct buf b = {0};

    buf_printf(&b, "%.*s %.*s\ntarget %.*s\nip %s\n", (int)rq->method.n,
               rq->method.p, (int)rq->url.n, rq->url.p, (int)rq->target.n,
               rq->target.p, rq->ip);
    for (uint32_t i = 0; i < rq->field_count; i++) {
        buf_add_slice(&b, rq->fields[i].name);
        buf_add_text(&b, "=");
        buf_add_slice(&b, rq->fields[i].value);
        buf_add_text(&b, "\n");
    }
    return answer(200, body_take(&b));
}

static struct response *stats(const struct program *p)
{
    char line[256];

    snprintf(line, sizeof(line),
             "requests %lld\ngone %lld\nfailed %lld\nabandoned %lld\n"
             "connections %u\n",
             (long long)p->requests, (long long)p->gone, (long long)p->failed,
             (long long)p->abandoned, server_connections(p->server));
    return text(line);
}

static struct job *job_new(struct program *p, struct exchange *x)
{
    struct job *j = mem_zalloc(sizeof(*j));

    j->program = p;
    j->exchange = x;
    if (x != NULL)
        exchange_set_data(x, j);
    return j;
}

static void free_timer(uv_handle_t *handle)
{
    free(container_of(handle, struct job, timer));
}

static void job_free(struct job *j)
{
    if (j->has_timer)
        uv_close((uv_handle_t *)&j->timer, free_timer);
    else
        free(j);
}

static void job_reply(struct job *j, struct response *rs)
{
    struct exchange *x = j->exchange;

    j->exchange = NULL;
    if (x != NULL)
        exchange_reply(x, rs);
    else
        response_drop(rs);
}

/* Bodies that are made as they are taken. */

static void make(struct body *b, void *arg)
{
    static const char line[] =
        "0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopq\n";
    struct job *j = arg;

    while (j->count > 0 && !body_is_full(b) && !body_is_abandoned(b)) {
        int64_t n = j->count < 64 ? j->count : 64;

        j->count -= n;
        body_write(b, line, (size_t)n);
    }
    if (j->count > 0 && !body_is_abandoned(b))
        return;
    j->program->abandoned += body_is_abandoned(b);
    body_on_writable(b, NULL, NULL);
    if (j->breaks)
        body_fail(b, ERR_IO);
    else
        body_end(b);
    body_drop(b);
    job_free(j);
}

static void stream(struct program *p, struct exchange *x, int64_t n,
                   int64_t told, bool breaks)
{
    struct job *j = job_new(p, NULL);
    struct body *b = body_new(told);

    j->count = n;
    j->breaks = breaks;
    exchange_reply(x, answer(200, body_hold(b)));
    if (body_is_abandoned(b)) {
        p->abandoned++;
        body_drop(b);
        job_free(j);
        return;
    }
    body_on_writable(b, make, j);
    make(b, j);
}

static struct response *big(int64_t n)
{
    struct buf b = {0};

    if (n > 0)
        memset(buf_room(&b, (size_t)n), 'x', (size_t)n);
    b.n = (size_t)n;
    return answer(200, body_take(&b));
}

/* Bodies that are read. */

static void count(struct body *b, void *arg)
{
    struct job *j = arg;
    struct slice run;
    char line[64];

    enum body_state state = body_peek(b, &run);
    for (; run.n != 0; state = body_peek(b, &run)) {
        j->count += (int64_t)run.n;
        body_consume(b, run.n);
    }
    if (state == BODY_OPEN)
        return;
    body_on_readable(b, NULL, NULL);
    j->program->failed += state == BODY_FAILED;
    snprintf(line, sizeof(line), "%lld", (long long)j->count);
    job_reply(j, text(line));
    body_drop(b);
    job_free(j);
}

static void read_all(struct job *j)
{
    body_on_readable(j->body, count, j);
    count(j->body, j);
}

static void on_timer(uv_timer_t *timer)
{
    struct job *j = container_of(timer, struct job, timer);

    if (j->body != NULL) {
        read_all(j);
        return;
    }
    job_reply(j, text("slow"));
    job_free(j);
}

static void later(struct job *j, int64_t ms)
{
    j->has_timer = true;
    uv_timer_init(&j->program->loop, &j->timer);
    uv_timer_start(&j->timer, on_timer, (uint64_t)ms, 0);
}

static void read_body(struct program *p, struct exchange *x,
                      const struct request *rq, int64_t ms)
{
    struct job *j = job_new(p, x);

    j->body = rq->body == NULL ? body_from("", 0) : body_hold(rq->body);
    if (ms != 0)
        later(j, ms);
    else
        read_all(j);
}

static void late(struct program *p, struct exchange *x,
                 const struct request *rq)
{
    exchange_reply(x, text("early"));
    read_body(p, NULL, rq, 0);
}

static struct response *dirty(void)
{
    struct field fields[] = {
        {SLICE("X-Good"), SLICE("yes")},
        {SLICE("X-Split"), SLICE("a\r\nX-Evil: 1")},
        {SLICE("X-Nul"), {"a\0b", 3}},
        {SLICE("content-length"), SLICE("7")},
        {SLICE("Transfer-Encoding"), SLICE("gzip")},
        {SLICE("Connection"), SLICE("close")},
        {SLICE("Keep-Alive"), SLICE("timeout=1")},
        {SLICE("DATE"), SLICE("never")},
    };

    return response_build(&(struct response){.status = 200,
                                             .reason = SLICE("Fine\r\nX: y"),
                                             .field_count = 8,
                                             .fields = fields,
                                             .body = body_from("dirty", 5)});
}

static struct response *told(void)
{
    struct field length = {SLICE("Content-Length"), SLICE("1234")};

    return response_build(
        &(struct response){.status = 200, .field_count = 1, .fields = &length});
}

/* Answers that are ready at once; NULL for other paths. */
static struct response *ready(struct program *p, const struct request *rq)
{
    if (is_path(rq, "/hello"))
        return text("hello");
    if (is_path(rq, "/info"))
        return info(rq);
    if (is_path(rq, "/stats"))
        return stats(p);
    if (is_path(rq, "/ignore"))
        return text("ignored");
    if (is_path(rq, "/big"))
        return big(parameter(rq, "n="));
    if (is_path(rq, "/status"))
        return answer((int)parameter(rq, "n="), body_from("body", 4));
    if (is_path(rq, "/told"))
        return told();
    if (is_path(rq, "/dirty"))
        return dirty();
    if (is_path(rq, "/abandon")) {
        if (rq->body != NULL)
            body_abandon(rq->body);
        return text("abandoned");
    }
    if (is_path(rq, "/echo"))
        return answer(200, rq->body == NULL ? NULL : body_hold(rq->body));
    return NULL;
}

static void on_request(void *user, struct exchange *x, struct request *rq)
{
    struct program *p = user;
    struct response *rs = ready(p, rq);
    int64_t n = parameter(rq, "n=");

    p->requests++;
    if (rs != NULL)
        exchange_reply(x, rs);
    else if (is_path(rq, "/slow"))
        later(job_new(p, x), parameter(rq, "ms="));
    else if (is_path(rq, "/stream"))
        stream(p, x, n, -1, false);
    else if (is_path(rq, "/length"))
        stream(p, x, n, n, false);
    else if (is_path(rq, "/break"))
        stream(p, x, n, -1, true);
    else if (is_path(rq, "/count"))
        read_body(p, x, rq, 0);
    else if (is_path(rq, "/hold"))
        read_body(p, x, rq, parameter(rq, "ms="));
    else if (is_path(rq, "/late"))
        late(p, x, rq);
    else if (!is_path(rq, "/never"))
        exchange_reply(x, answer(404, body_from("no such path", 12)));
    request_drop(rq);
}

static void on_gone(void *user, struct exchange *x)
{
    struct program *p = user;
    struct job *j = exchange_data(x);

    p->gone++;
    if (j == NULL)
        return;
    j->exchange = NULL;
    if (j->has_timer && j->body == NULL)
        job_free(j);
}

static void on_closed(void *arg)
{
    struct program *p = arg;

    uv_close((uv_handle_t *)&p->term, NULL);
    uv_close((uv_handle_t *)&p->interrupt, NULL);
}

static void on_drained(void *arg)
{
    struct program *p = arg;

    puts("drained");
    fflush(stdout);
    server_close(p->server, on_closed, p);
}

static void on_term(uv_signal_t *handle, int number)
{
    struct program *p = container_of(handle, struct program, term);

    (void)number;
    uv_signal_stop(handle);
    server_drain(p->server, on_drained, p);
}

static void on_interrupt(uv_signal_t *handle, int number)
{
    struct program *p = container_of(handle, struct program, interrupt);

    (void)number;
    uv_signal_stop(handle);
    server_close(p->server, on_closed, p);
}

static const char *option(int argc, char **argv, const char *name,
                          const char *otherwise)
{
    size_t n = strlen(name);

    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], name, n) == 0 && argv[i][n] == '=')
            return argv[i] + n + 1;
    }
    return otherwise;
}

static int64_t number(int argc, char **argv, const char *name,
                      const char *otherwise)
{
    return strtoll(option(argc, argv, name, otherwise), NULL, 10);
}

static int open_server(struct program *p, int argc, char **argv)
{
    struct error err = {0};
    struct server_config config = {
        .loop = &p->loop,
        .handler = {p, on_request, on_gone, NULL},
        .clock = clock_system(),
        .address = option(argc, argv, "address", "127.0.0.1:0"),
        .body_bytes = number(argc, argv, "body_bytes", "104857600"),
        .header_ms = (uint64_t)number(argc, argv, "header_ms", "10000"),
        .keepalive_ms = (uint64_t)number(argc, argv, "keepalive_ms", "75000"),
        .connections = (uint32_t)number(argc, argv, "connections", "100000"),
    };
    int rc = server_open(&config, &p->server, &err);

    if (rc != 0)
        printf("%s %s\n", err_name(rc), err.text);
    else
        printf("port %d\n", server_port(p->server));
    fflush(stdout);
    return rc;
}

int main(int argc, char **argv)
{
    struct program p = {0};

    signal(SIGPIPE, SIG_IGN);
    uv_loop_init(&p.loop);
    uv_signal_init(&p.loop, &p.term);
    uv_signal_start(&p.term, on_term, SIGTERM);
    uv_signal_init(&p.loop, &p.interrupt);
    uv_signal_start(&p.interrupt, on_interrupt, SIGINT);
    if (open_server(&p, argc, argv) != 0)
        return 1;
    uv_run(&p.loop, UV_RUN_DEFAULT);
    /* Every handle is closed, or something was forgotten. */
    return uv_loop_close(&p.loop) == 0 ? 0 : 2;
}
