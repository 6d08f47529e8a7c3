#include "net/ws_connect.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "net/curl_text.h"
#include "net/transfer.h"
#include "net/tunnel.h"
#include "wire/http_answer.h"
#include "wire/http_list.h"
#include "wire/http_reply.h"
#include "wire/ws_handshake.h"

enum { PIECE = 4096 };

typedef void (*done_cb)(void *arg, struct ws_seed *seed,
                        const struct error *err);

struct ws_connect {
    struct outbound *outbound;
    struct transfer *transfer; /* NULL: it did not even begin, or is over */
    struct request *request;
    struct ws_handshake_offer offer;
    struct buf protocols; /* that offer.protocols borrows */
    struct buf out;       /* the request's head */
    size_t sent;          /* of it */
    struct buf in;        /* the answer's head, and what comes behind */
    uint64_t timeout_ms;
    uv_timer_t timer;
    uv_poll_t poll;     /* of the connection, once there is one */
    bool is_polling;    /* the poll is initialized */
    int handles;        /* not yet closed */
    struct error early; /* what `done` is told by the timer; code 0: nothing */
    done_cb done;
    void *arg;
};

/* ---- The end ---- */

static void on_closed(uv_handle_t *handle)
{
    struct ws_connect *c = handle->data;
    struct outbound *o = c->outbound;

    if (--c->handles != 0)
        return;
    request_drop(c->request);
    buf_fini(&c->protocols);
    buf_fini(&c->out);
    buf_fini(&c->in);
    free(c);
    outbound_release(o);
}

/* No poll may be on a descriptor that somebody else will watch or close. */
static void stop_polling(struct ws_connect *c)
{
    if (c->is_polling)
        uv_close((uv_handle_t *)&c->poll, on_closed);
    c->is_polling = false;
}

void ws_connect_cancel(struct ws_connect *c)
{
    stop_polling(c);
    transfer_close(c->transfer);
    c->transfer = NULL;
    uv_close((uv_handle_t *)&c->timer, on_closed);
}

/* [may free what `done` may free] */
static void fail(struct ws_connect *c, const struct error *err)
{
    ws_connect_cancel(c);
    c->done(c->arg, NULL, err);
}

static void on_cut(void *user)
{
    struct error err;

    error_set(&err, ERR_CLOSED, "outgoing connections are closed");
    fail(user, &err);
}

static void on_timer(uv_timer_t *timer)
{
    struct ws_connect *c = timer->data;
    struct curl_place at = curl_place_of(c->request->url);
    struct error err;

    if (c->early.code != 0) {
        err = c->early;
    } else {
        error_set(&err, ERR_TIMEOUT,
                  "time-out after %llu ms: no WebSocket at " CURL_PLACE,
                  (unsigned long long)c->timeout_ms, CURL_PLACE_ARGS(at));
    }
    fail(c, &err);
}

/* ---- The answer ---- */

/* The connection leaves libcurl, or goes into a tunnel. */
static int take_connection(struct ws_connect *c, int *fd, struct error *err)
{
    int rc = 0;

    stop_polling(c);
    if (curl_place_of(c->request->url).is_tls) {
        rc = tunnel_open(c->transfer, fd, err);
        if (rc == 0)
            c->transfer = NULL;
        return rc;
    }
    *fd = fcntl(transfer_socket(c->transfer), F_DUPFD_CLOEXEC, 0);
    if (*fd < 0)
        return error_set(err, ERR_IO, "the connection cannot be kept: %s",
                         strerror(errno));
    return 0;
}

static void succeed(struct ws_connect *c, const struct ws_handshake_terms *t,
                    size_t head)
{
    struct error err = {0};
    struct ws_seed seed = {
        .fd = -1,
        .is_client = true,
        .may_compress = t->window_bits != 0,
        .window_bits = t->window_bits,
        .extensions = t->extensions,
    };
    int rc = take_connection(c, &seed.fd, &err);

    if (rc != 0) {
        fail(c, &err);
        return;
    }
    buf_add_slice(&seed.protocol, t->protocol);
    if (c->in.n != head)
        buf_add(&seed.unread, c->in.p + head, c->in.n - head);
    ws_connect_cancel(c);
    c->done(c->arg, &seed, NULL);
}

static int check(struct ws_connect *c, const struct http_answer *a,
                 struct ws_handshake_terms *terms, struct error *err)
{
    if (a->status != 101)
        return error_set(err, ERR_PROTO,
                         "the server answered %d instead of 101", a->status);
    return ws_handshake_read(&c->offer, a->status, a->fields, a->field_count,
                             terms, err);
}

/* Look at what there is of the answer.  Returns false when it is over, one way
 * or the other. */
static bool read_answer(struct ws_connect *c)
{
    struct http_answer a;
    struct ws_handshake_terms terms = {0};
    struct error err = {0};
    int n = 0;

    /* What comes before the answer proper is passed over. */
    while ((n = http_answer_parse(c->in.p, c->in.n, &a)) > 0 &&
           a.status < 200 && a.status != 101)
        buf_shift(&c->in, (size_t)n);
    if (n == 0)
        return true;
    int rc = n < 0 ? error_set(&err, n,
                               "the server's answer is not HTTP/1.1, or its "
                               "head is too large")
                   : check(c, &a, &terms, &err);

    if (rc != 0)
        fail(c, &err);
    else
        succeed(c, &terms, (size_t)n);
    return false;
}

/* ---- The connection ---- */

static void fail_lost(struct ws_connect *c, CURLcode rc)
{
    struct curl_place at = curl_place_of(c->request->url);
    struct error err;

    if (rc == CURLE_OK)
        error_set(&err, ERR_IO, CURL_PLACE " closed without an answer",
                  CURL_PLACE_ARGS(at));
    else
        curl_text(c->transfer, rc, &err);
    fail(c, &err);
}

static void on_poll(uv_poll_t *poll, int status, int events);

static void send_request(struct ws_connect *c)
{
    const struct curl *curl = transfer_curl(c->transfer);
    CURLcode rc = CURLE_OK;

    while (rc == CURLE_OK && c->sent != c->out.n) {
        size_t n = 0;

        rc = curl->easy_send(c->transfer->easy, c->out.p + c->sent,
                             c->out.n - c->sent, &n);
        c->sent += n;
    }
    if (rc != CURLE_OK && rc != CURLE_AGAIN)
        fail_lost(c, rc);
    else
        uv_poll_start(&c->poll, rc == CURLE_AGAIN ? UV_WRITABLE : UV_READABLE,
                      on_poll);
}

/* TLS may hold bytes that make no socket readable: read until there are no
 * more. */
static void read_all(struct ws_connect *c)
{
    const struct curl *curl = transfer_curl(c->transfer);

    for (;;) {
        size_t n = 0;
        CURLcode rc = curl->easy_recv(c->transfer->easy,
                                      buf_room(&c->in, PIECE), PIECE, &n);

        if (rc == CURLE_AGAIN)
            return;
        if (rc != CURLE_OK || n == 0) {
            fail_lost(c, rc);
            return;
        }
        c->in.n += n;
        if (!read_answer(c))
            return;
    }
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct ws_connect *c = poll->data;

    (void)status; /* sending or reading says the same, and more */
    (void)events;
    if (c->sent != c->out.n)
        send_request(c);
    else
        read_all(c);
}

static void on_connected(void *user, CURLcode rc)
{
    struct ws_connect *c = user;

    if (rc == CURLE_OK && uv_poll_init(outbound_loop(c->outbound), &c->poll,
                                       transfer_socket(c->transfer)) != 0)
        rc = CURLE_RECV_ERROR;
    if (rc != CURLE_OK) {
        fail_lost(c, rc);
        return;
    }
    c->poll.data = c;
    c->is_polling = true;
    c->handles++;
    send_request(c);
}

static const struct transfer_handler handler = {on_connected, on_cut};

/* ---- The request ---- */

/* The handshake's own fields are ours to write. */
static bool is_ours(struct slice name)
{
    static const char prefix[] = "sec-websocket-";
    struct slice start = {name.p, sizeof(prefix) - 1};

    return http_reply_is_framing(name) ||
           slice_eq_nocase(name, SLICE("host")) ||
           slice_eq_nocase(name, SLICE("upgrade")) ||
           (name.n > start.n && slice_eq_nocase(start, slice_of(prefix)));
}

static void put_field(struct buf *out, const struct field *f)
{
    buf_add_slice(out, f->name);
    buf_add_text(out, ": ");
    buf_add_slice(out, f->value);
    buf_add_text(out, "\r\n");
}

static void write_request(struct ws_connect *c)
{
    const struct request *rq = c->request;
    struct field ours[WS_HANDSHAKE_FIELDS];
    uint32_t n = ws_handshake_ask(&c->offer, ours);
    struct field host = {SLICE("Host"), curl_place_of(rq->url).authority};

    buf_add_text(&c->out, "GET ");
    if (rq->target.n == 0 || rq->target.p[0] != '/')
        buf_add_text(&c->out, "/");
    buf_add_slice(&c->out, rq->target);
    buf_add_text(&c->out, " HTTP/1.1\r\n");
    put_field(&c->out, &host);
    for (uint32_t i = 0; i < n; i++)
        put_field(&c->out, &ours[i]);
    for (uint32_t i = 0; i < rq->field_count; i++) {
        const struct field *f = &rq->fields[i];

        if (!is_ours(f->name) && http_list_is_token(f->name) &&
            http_reply_is_safe(f->value))
            put_field(&c->out, f);
    }
    buf_add_text(&c->out, "\r\n");
}

static int make_offer(struct ws_connect *c, struct error *err)
{
    const struct request *rq = c->request;
    uint8_t nonce[WS_HANDSHAKE_NONCE];

    if (!http_reply_is_safe(rq->url) || !http_reply_is_safe(rq->target) ||
        (rq->target.n != 0 && memchr(rq->target.p, ' ', rq->target.n) != NULL))
        return error_set(err, ERR_INVALID, "not a URL: '%.*s'", (int)rq->url.n,
                         rq->url.p);
    random_bytes(outbound_random(c->outbound), nonce, sizeof(nonce));
    ws_handshake_key(nonce, c->offer.key);
    c->offer.compresses = true;
    for (uint32_t i = 0; i < rq->field_count; i++) {
        const struct field *f = &rq->fields[i];

        if (!slice_eq_nocase(f->name, SLICE("sec-websocket-protocol")))
            continue;
        if (c->protocols.n != 0)
            buf_add_text(&c->protocols, ", ");
        buf_add_slice(&c->protocols, f->value);
    }
    c->offer.protocols = buf_slice(&c->protocols);
    if (ws_handshake_is_protocols(c->offer.protocols))
        return 0;
    return error_set(err, ERR_INVALID,
                     "expected different names as sub-protocols, got '%.*s'",
                     (int)c->protocols.n, c->protocols.p);
}

static int open_transfer(struct ws_connect *c, struct error *err)
{
    char *url = mem_dup(c->request->url.p, c->request->url.n);
    int rc =
        transfer_open(c->outbound, TRANSFER_CONNECT, url, &c->transfer, err);

    free(url);
    if (rc != 0)
        return rc;
    transfer_hand_over(c->transfer, &handler, c);
    /* HTTP/2 knows another handshake (RFC 8441), which few servers do. */
    transfer_curl(c->transfer)
        ->easy_setopt(c->transfer->easy, CURLOPT_HTTP_VERSION,
                      (long)CURL_HTTP_VERSION_1_1);
    transfer_curl(c->transfer)
        ->easy_setopt(c->transfer->easy, CURLOPT_HTTPPROXYTUNNEL, 1L);
    return 0;
}

struct ws_connect *ws_connect_begin(struct outbound *o, struct request *rq,
                                    uint64_t timeout_ms, done_cb done,
                                    void *arg)
{
    struct ws_connect *c = mem_zalloc(sizeof(*c));

    c->outbound = o;
    c->request = rq;
    c->timeout_ms = timeout_ms;
    c->done = done;
    c->arg = arg;
    outbound_hold(o);
    uv_timer_init(outbound_loop(o), &c->timer);
    c->timer.data = c;
    c->handles = 1;
    if (make_offer(c, &c->early) == 0 && open_transfer(c, &c->early) == 0) {
        write_request(c);
        transfer_start(c->transfer);
    }
    uv_timer_start(&c->timer, on_timer, c->early.code != 0 ? 0 : timeout_ms, 0);
    return c;
}
