#include "net/fetch.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/version.h"
#include "net/curl_text.h"
#include "net/fetch_ask.h"
#include "net/fetch_head.h"
#include "net/transfer.h"

typedef void (*done_cb)(void *arg, struct response *rs,
                        const struct error *err);

struct fetch {
    struct outbound *outbound;
    struct transfer *transfer; /* NULL: it did not even begin, or is over */
    struct fetch_ask ask;
    struct fetch_head head;
    struct fetch_options options;
    uv_timer_t timer;
    struct body *body;        /* the response's; owned; NULL without one */
    int64_t length, received; /* of it; length -1: unknown */
    bool is_told;             /* `done` was called */
    bool is_redirect;         /* what comes now leads elsewhere */
    bool is_full;             /* paused: the response's body is */
    bool is_empty;            /* paused: the request's body has nothing yet */
    struct error own;         /* why we broke it off; code 0: we did not */
    done_cb done;
    void *arg;
};

/* ---- The end ---- */

static void on_closed(uv_handle_t *handle)
{
    struct fetch *f = handle->data;
    struct outbound *o = f->outbound;

    fetch_head_fini(&f->head);
    free(f);
    outbound_release(o);
}

/* Let go of everything but the response's body, which is returned. */
static struct body *let_go(struct fetch *f)
{
    struct body *b = f->body;

    f->body = NULL;
    if (b != NULL)
        body_on_writable(b, NULL, NULL);
    transfer_close(f->transfer);
    f->transfer = NULL;
    uv_close((uv_handle_t *)&f->timer, on_closed);
    fetch_ask_fini(&f->ask);
    return b;
}

static void fail(struct fetch *f, const struct error *err)
{
    struct error copy = *err; /* it may be ours */
    bool is_told = f->is_told;
    struct body *b = let_go(f);

    if (!is_told) {
        f->done(f->arg, NULL, &copy);
    } else if (b != NULL) {
        body_fail(b, copy.code);
        body_drop(b);
    }
}

static void finish(struct fetch *f)
{
    struct body *b = let_go(f);

    if (b != NULL)
        body_end(b);
    body_drop(b);
}

void fetch_cancel(struct fetch *f)
{
    body_drop(let_go(f)); /* nobody reads it */
}

static void on_cut(void *user)
{
    struct error err;

    error_set(&err, ERR_CLOSED, "outgoing connections are closed");
    fail(user, &err);
}

/* ---- Time ---- */

static void on_timer(uv_timer_t *timer);

static void restart_timer(struct fetch *f)
{
    uv_timer_start(&f->timer, on_timer, f->options.timeout_ms, 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct fetch *f = timer->data;
    struct curl_place at =
        curl_place_of(slice_of(f->ask.url == NULL ? "" : f->ask.url));

    if (f->own.code == 0 && f->body != NULL && body_is_lone(f->body)) {
        fetch_cancel(f);
        return;
    }
    if (f->own.code == 0 && (f->is_full || f->is_empty)) {
        restart_timer(f);
        return;
    }
    if (f->own.code == 0)
        error_set(&f->own, ERR_TIMEOUT,
                  "time-out after %llu ms: no answer from " CURL_PLACE,
                  (unsigned long long)f->options.timeout_ms,
                  CURL_PLACE_ARGS(at));
    fail(f, &f->own);
}

/* ---- The response ---- */

static void on_writable(struct body *b, void *arg)
{
    struct fetch *f = arg;

    if (body_is_abandoned(b)) {
        fetch_cancel(f);
    } else if (f->is_full) {
        f->is_full = false;
        restart_timer(f);
        transfer_resume(f->transfer);
    }
}

static bool has_body(const struct fetch *f)
{
    return strcmp(f->ask.method, "HEAD") != 0 && f->head.status != 204 &&
           f->head.status != 304;
}

static int64_t told_length(const struct fetch *f)
{
    struct slice text = fetch_head_find(&f->head, SLICE("content-length"));
    char digits[20] = "";

    if (text.n == 0 || text.n >= sizeof(digits))
        return -1;
    memcpy(digits, text.p, text.n);
    return digits[0] < '0' || digits[0] > '9' ? -1 : strtoll(digits, NULL, 10);
}

/* [may free f's transfer] */
static void tell(struct fetch *f)
{
    bool is_packed =
        fetch_head_find(&f->head, SLICE("content-encoding")).n != 0;
    struct body *b = NULL;

    if (has_body(f)) {
        f->length = is_packed ? -1 : told_length(f);
        b = body_new(f->length);
        f->body = body_hold(b);
        body_on_writable(b, on_writable, f);
    }
    f->is_told = true;
    restart_timer(f);
    f->done(f->arg,
            fetch_head_response(&f->head, slice_of(f->ask.url), b,
                                is_packed && b != NULL),
            NULL);
}

/* Returns false to break it off. */
static bool take_head(struct fetch *f)
{
    struct slice place = fetch_head_find(&f->head, SLICE("location"));

    if (fetch_ask_is_redirect(f->head.status) && place.n != 0 &&
        f->options.redirect != FETCH_MANUAL) {
        f->is_redirect = true;
        if (f->options.redirect == FETCH_FOLLOW)
            return true;
        error_set(&f->own, ERR_PROTO, "redirected to '%.*s'", (int)place.n,
                  place.p);
        return false;
    }
    tell(f);
    return true;
}

static size_t on_head(char *p, size_t size, size_t n, void *user)
{
    struct transfer *t = user;
    struct fetch *f = t->user;

    if (f == NULL)
        return 0;
    int rc = fetch_head_add(&f->head, (struct slice){p, size * n});

    if (rc < 0)
        error_set(&f->own, rc, "the answer's head is larger than %d bytes",
                  FETCH_HEAD_MAX);
    if (rc < 0 || (rc == FETCH_HEAD_DONE && !take_head(f)))
        return 0;
    return t->user == NULL ? 0 : size * n;
}

/* A whole response ends the fetch, whether or not the server has taken all of
 * the request. */
static size_t on_bytes(char *p, size_t size, size_t n, void *user)
{
    struct transfer *t = user;
    struct fetch *f = t->user;

    if (f == NULL)
        return 0;
    if (f->is_redirect || f->body == NULL)
        return size * n;
    if (body_is_lone(f->body)) {
        fetch_cancel(f);
        return 0;
    }
    if (body_is_full(f->body)) {
        f->is_full = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    restart_timer(f);
    struct body *b = body_hold(f->body);

    body_write(b, p, size * n);
    f->received += (int64_t)(size * n);
    if (t->user != NULL && f->received == f->length &&
        !fetch_source_is_sent(&f->ask.source))
        finish(f);
    body_drop(b);
    return t->user == NULL ? 0 : size * n;
}

/* ---- The request's body ---- */

static void on_more(struct body *b, void *arg)
{
    struct fetch *f = arg;

    (void)b;
    if (!f->is_empty)
        return;
    f->is_empty = false;
    restart_timer(f);
    transfer_resume(f->transfer);
}

static size_t on_read(char *p, size_t size, size_t n, void *user)
{
    struct transfer *t = user;
    struct fetch *f = t->user;

    if (f == NULL)
        return CURL_READFUNC_ABORT;
    int64_t taken = fetch_source_take(&f->ask.source, p, size * n);

    if (t->user == NULL)
        return CURL_READFUNC_ABORT; /* who wrote it has gone */
    if (taken == ERR_BUSY) {
        f->is_empty = true;
        return CURL_READFUNC_PAUSE;
    }
    if (taken < 0) {
        error_set(&f->own, (int)taken, "the request's body failed: %s",
                  err_text((int)taken));
        return CURL_READFUNC_ABORT;
    }
    if (!f->is_told)
        restart_timer(f);
    return (size_t)taken;
}

/* libcurl sends again on a fresh connection when a kept one proves dead. */
static int on_seek(void *user, curl_off_t offset, int origin)
{
    struct transfer *t = user;
    struct fetch *f = t->user;

    if (f == NULL || offset != 0 || origin != SEEK_SET)
        return CURL_SEEKFUNC_CANTSEEK;
    return fetch_source_rewind(&f->ask.source) == 0 ? CURL_SEEKFUNC_OK
                                                    : CURL_SEEKFUNC_FAIL;
}

/* ---- One hop after the other ---- */

static void follow(struct fetch *f)
{
    const char *url = NULL;
    int status = f->head.status;
    struct error err = {0};

    transfer_curl(f->transfer)
        ->easy_getinfo(f->transfer->easy, CURLINFO_REDIRECT_URL, &url);
    if (url == NULL)
        error_set(&err, ERR_PROTO, "a redirect to what is no URL");
    else
        fetch_ask_redirect(&f->ask, status, url, &err);
    if (err.code != 0) {
        fail(f, &err);
        return;
    }
    fetch_head_fini(&f->head);
    f->is_redirect = false;
    f->is_empty = false;
    fetch_ask_apply(&f->ask, f->transfer);
    transfer_start(f->transfer);
}

static void on_over(void *user, CURLcode rc)
{
    struct fetch *f = user;
    struct error err = f->own;

    if (rc == CURLE_OK && f->is_redirect) {
        follow(f);
        return;
    }
    if (rc == CURLE_OK && !f->is_told)
        rc = CURLE_GOT_NOTHING;
    if (rc != CURLE_OK) {
        if (err.code == 0)
            curl_text(f->transfer, rc, &err);
        fail(f, &err);
        return;
    }
    finish(f);
}

static const struct transfer_handler handler = {on_over, on_cut};

static void set_options(struct transfer *t)
{
    const struct curl *curl = transfer_curl(t);
    CURL *easy = t->easy;

    curl->easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_head);
    curl->easy_setopt(easy, CURLOPT_HEADERDATA, t);
    curl->easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_bytes);
    curl->easy_setopt(easy, CURLOPT_WRITEDATA, t);
    curl->easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
    curl->easy_setopt(easy, CURLOPT_READDATA, t);
    curl->easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
    curl->easy_setopt(easy, CURLOPT_SEEKDATA, t);
    curl->easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
    curl->easy_setopt(easy, CURLOPT_USERAGENT, "moonkeep/" VERSION);
    curl->easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl->easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
}

static int start(struct fetch *f, struct request *rq, struct error *err)
{
    int rc = fetch_ask_init(&f->ask, rq, err);

    if (rc == 0)
        rc = transfer_open(f->outbound, TRANSFER_REQUEST, f->ask.url,
                           &f->transfer, err);
    if (rc != 0)
        return rc;
    transfer_hand_over(f->transfer, &handler, f);
    set_options(f->transfer);
    fetch_source_on_more(&f->ask.source, on_more, f);
    fetch_ask_apply(&f->ask, f->transfer);
    transfer_start(f->transfer);
    return 0;
}

struct fetch *fetch_begin(struct outbound *o, struct request *rq,
                          const struct fetch_options *options, done_cb done,
                          void *arg)
{
    struct fetch *f = mem_zalloc(sizeof(*f));

    f->outbound = o;
    f->options = *options;
    f->done = done;
    f->arg = arg;
    outbound_hold(o);
    uv_timer_init(outbound_loop(o), &f->timer);
    f->timer.data = f;
    bool has_begun = start(f, rq, &f->own) == 0;

    uv_timer_start(&f->timer, on_timer, has_begun ? options->timeout_ms : 0, 0);
    return f;
}
