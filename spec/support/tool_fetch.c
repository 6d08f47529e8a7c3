/*
 * tool_fetch.c - a small program around net/fetch.h, driven by the specs.
 *
 *   tool_fetch URL [options]
 *     method=M field=N:V (again and again) body=TEXT
 *     upload=N      a body of N bytes that is written while it is sent; with
 *                   told=1 its length is told, with break=1 it fails then, with
 *                   pace=MS it comes 64 KiB after 64 KiB
 *     redirect=follow|manual|error
 *     timeout=MS cancel=MS close=MS deny=RANGE allow=RANGE (in turn)
 *     count=N       so many, one after the other
 *     hold=MS       the response's body is read after that
 *     abandon=N     ... and abandoned after N bytes
 *     drop=1        the response is dropped at once
 *     show=1        print fields and body; otherwise how long it was
 *
 * Prints a line for each thing that happens; exit code 2 when a handle was
 * forgotten.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/mem.h"
#include "base/must.h"
#include "net/fetch.h"

enum { FIELDS_MAX = 16, PIECE = 64 * 1024 };

struct program {
    uv_loop_t loop;
    uv_timer_t timer, hold_timer, pace_timer;
    struct outbound *outbound;
    struct fetch_policy policy;
    struct fetch *fetch;
    struct body *in, *out; /* the response's, the request's */
    const char *url, *method, *text;
    struct field fields[FIELDS_MAX];
    uint32_t field_count;
    struct fetch_options options;
    int64_t count, timeout, cancel, close, upload, told, breaks, pace, hold;
    int64_t abandon, drop, show, read, written;
    bool is_closing;
};

static void begin(struct program *p);

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
}

static void on_closed(void *arg)
{
    (void)arg;
    say("closed");
}

static void finish(struct program *p)
{
    if (p->is_closing)
        return;
    p->is_closing = true;
    uv_close((uv_handle_t *)&p->timer, NULL);
    uv_close((uv_handle_t *)&p->hold_timer, NULL);
    uv_close((uv_handle_t *)&p->pace_timer, NULL);
    outbound_close(p->outbound, on_closed, p);
}

/* ---- The request's body ---- */

static void stop_writing(struct program *p)
{
    struct body *b = p->out;

    p->out = NULL;
    body_on_writable(b, NULL, NULL);
    if (body_is_abandoned(b))
        say("upload abandoned");
    else if (p->breaks)
        body_fail(b, ERR_IO);
    else
        body_end(b);
    body_drop(b);
}

static void write_piece(struct program *p)
{
    static const char piece[PIECE];
    int64_t left = p->upload - p->written;
    size_t n = left < PIECE ? (size_t)left : PIECE;

    body_write(p->out, piece, n);
    p->written += (int64_t)n;
}

static void on_out_writable(struct body *b, void *arg)
{
    struct program *p = arg;

    while (p->pace == 0 && p->written < p->upload && !body_is_full(b) &&
           !body_is_abandoned(b))
        write_piece(p);
    if (p->out != NULL && (p->written == p->upload || body_is_abandoned(b)))
        stop_writing(p);
}

static void on_pace(uv_timer_t *timer)
{
    struct program *p = timer->data;

    if (p->out == NULL)
        return;
    write_piece(p);
    if (p->out != NULL)
        on_out_writable(p->out, p);
}

static struct body *make_body(struct program *p)
{
    if (p->text != NULL)
        return body_from(p->text, strlen(p->text));
    if (p->upload < 0)
        return NULL;
    p->out = body_new(p->told ? p->upload : -1);
    p->written = 0;
    body_on_writable(p->out, on_out_writable, p);
    if (p->pace != 0)
        uv_timer_start(&p->pace_timer, on_pace, (uint64_t)p->pace,
                       (uint64_t)p->pace);
    return body_hold(p->out);
}

/* ---- The response ---- */

static void next(struct program *p)
{
    if (--p->count > 0)
        begin(p);
    else
        finish(p);
}

static void end_body(struct program *p, struct body *b, const char *how)
{
    p->in = NULL;
    body_on_readable(b, NULL, NULL);
    say("%sbody %lld %s", p->show ? "\n" : "", (long long)p->read, how);
    body_drop(b);
    next(p);
}

static void on_readable(struct body *b, void *arg)
{
    struct program *p = arg;
    struct slice run;
    enum body_state state = body_peek(b, &run);

    for (; run.n != 0; state = body_peek(b, &run)) {
        if (p->show)
            printf("%.*s", (int)run.n, run.p);
        p->read += (int64_t)run.n;
        body_consume(b, run.n);
        if (p->abandon != 0 && p->read >= p->abandon) {
            body_abandon(b);
            end_body(p, b, "abandoned");
            return;
        }
    }
    if (state == BODY_ENDED)
        end_body(p, b, "ended");
    else if (state == BODY_FAILED)
        end_body(p, b, err_name(body_error(b)));
}

static void on_hold(uv_timer_t *timer)
{
    struct program *p = timer->data;

    say("reading");
    body_on_readable(p->in, on_readable, p);
    on_readable(p->in, p);
}

static void show(const struct response *rs)
{
    say("reason %.*s", (int)rs->reason.n, rs->reason.p);
    for (uint32_t i = 0; i < rs->field_count; i++)
        say("field %.*s: %.*s", (int)rs->fields[i].name.n, rs->fields[i].name.p,
            (int)rs->fields[i].value.n, rs->fields[i].value.p);
}

static void on_done(void *arg, struct response *rs, const struct error *err)
{
    struct program *p = arg;

    p->fetch = NULL;
    if (err != NULL) {
        say("error %s %s", err_name(err->code), err->text);
        next(p);
        return;
    }
    say("status %d", rs->status);
    if (p->show)
        show(rs);
    p->read = 0;
    p->in = rs->body == NULL || p->drop ? NULL : body_hold(rs->body);
    bool has_body = p->in != NULL;

    response_drop(rs);
    if (!has_body) {
        say("no body");
        if (!p->drop)
            next(p);
    } else if (p->hold != 0) {
        uv_timer_start(&p->hold_timer, on_hold, (uint64_t)p->hold, 0);
    } else {
        body_on_readable(p->in, on_readable, p);
        on_readable(p->in, p);
    }
}

static void begin(struct program *p)
{
    struct request rq = {
        .method = slice_of(p->method),
        .url = slice_of(p->url),
        .target = SLICE("/"),
        .fields = p->fields,
        .field_count = p->field_count,
        .body = make_body(p),
    };

    p->options.timeout_ms = (uint64_t)p->timeout;
    p->fetch =
        fetch_begin(p->outbound, request_build(&rq), &p->options, on_done, p);
    if (p->out != NULL && p->pace == 0)
        on_out_writable(p->out, p);
}

static void on_timer(uv_timer_t *timer)
{
    struct program *p = timer->data;

    if (p->cancel > 0 && p->fetch != NULL) {
        fetch_cancel(p->fetch);
        say("canceled");
    }
    finish(p);
}

/* ---- Options ---- */

static void read_range(struct program *p, const char *name, const char *value)
{
    struct error err = {0};

    fetch_policy_add(&p->policy,
                     strcmp(name, "deny") == 0 ? FETCH_DENY : FETCH_ALLOW,
                     slice_of(value), &err);
    if (err.code != 0)
        say("error %s %s", err_name(err.code), err.text);
}

static void read_field(struct program *p, char *text)
{
    char *colon = strchr(text, ':');

    *colon = '\0';
    p->fields[p->field_count++] =
        (struct field){slice_of(text), slice_of(colon + 1)};
}

static void read_number(struct program *p, const char *name, const char *value)
{
    const struct {
        const char *name;
        int64_t *value;
    } numbers[] = {
        {"count", &p->count},   {"timeout", &p->timeout},
        {"cancel", &p->cancel}, {"close", &p->close},
        {"upload", &p->upload}, {"told", &p->told},
        {"break", &p->breaks},  {"pace", &p->pace},
        {"hold", &p->hold},     {"abandon", &p->abandon},
        {"drop", &p->drop},     {"show", &p->show},
    };

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (strcmp(name, numbers[i].name) == 0)
            *numbers[i].value = strtoll(value, NULL, 10);
    }
}

static void read_option(struct program *p, char *arg)
{
    char *value = strchr(arg, '=') + 1;

    value[-1] = '\0';
    if (strcmp(arg, "method") == 0)
        p->method = value;
    else if (strcmp(arg, "body") == 0)
        p->text = value;
    else if (strcmp(arg, "field") == 0)
        read_field(p, value);
    else if (strcmp(arg, "redirect") == 0)
        p->options.redirect = strcmp(value, "manual") == 0  ? FETCH_MANUAL
                              : strcmp(value, "error") == 0 ? FETCH_FAIL
                                                            : FETCH_FOLLOW;
    else if (strcmp(arg, "deny") == 0 || strcmp(arg, "allow") == 0)
        read_range(p, arg, value);
    else
        read_number(p, arg, value);
}

int main(int argc, char **argv)
{
    struct program p = {.url = argv[1],
                        .method = "GET",
                        .count = 1,
                        .timeout = 10000,
                        .upload = -1};

    signal(SIGPIPE, SIG_IGN);
    for (int i = 2; i < argc; i++)
        read_option(&p, argv[i]);
    uv_loop_init(&p.loop);
    uv_timer_init(&p.loop, &p.timer);
    uv_timer_init(&p.loop, &p.hold_timer);
    uv_timer_init(&p.loop, &p.pace_timer);
    p.timer.data = p.hold_timer.data = p.pace_timer.data = &p;
    p.outbound = outbound_open(&p.loop, random_system());
    outbound_set_policy(p.outbound, &p.policy);
    if (p.cancel > 0 || p.close > 0)
        uv_timer_start(&p.timer, on_timer, (uint64_t)(p.cancel + p.close), 0);
    begin(&p);
    uv_run(&p.loop, UV_RUN_DEFAULT);
    fetch_policy_fini(&p.policy);
    /* Nobody ends a body whose reader has gone with the outbound. */
    body_drop(p.in);
    body_drop(p.out);
    return uv_loop_close(&p.loop) == 0 ? 0 : 2;
}
