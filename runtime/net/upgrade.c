/*
 * upgrade.c - the end of a connection's HTTP: 101, and what comes after it is
 * the WebSocket's (websocket.h).
 */
#include <fcntl.h>
#include <string.h>

#include "base/must.h"
#include "net/conn.h"
#include "net/exchange.h"
#include "net/outgoing.h"
#include "net/websocket.h"
#include "wire/ws_handshake.h"

/* What the request comes to. */
static void check_request(const struct exchange *x, struct ws_handshake *out)
{
    *out = (struct ws_handshake){.status = 400};
    if (x->handshake == NULL) {
        out->status = 426;
        out->text = "expected a request for a WebSocket (Upgrade: websocket)";
    } else if (x->terms.minor == 0) {
        out->text = "expected a WebSocket's request to be of HTTP/1.1";
    } else if (x->has_body) {
        out->text = "expected a WebSocket's request to have no body";
    } else {
        ws_handshake_check(x->handshake, out);
    }
}

/* Answer with `instead`; the handler's response is let go. */
static void refuse(struct exchange *x, struct response *rs,
                   struct response *instead)
{
    x->response = rs;
    outgoing_drop(x);
    exchange_reply(x, instead);
}

/* The exchange is over, and with it the connection as HTTP knows it; of the
 * socket a second descriptor stays.  [frees x] */
static int give_up(struct exchange *x, struct ws_seed *seed, struct error *err)
{
    struct conn *c = x->conn;

    x->is_delivered = false;
    seed->fd = fcntl(conn_socket(c), F_DUPFD_CLOEXEC, 0);
    buf_add_slice(&seed->unread, c->in);
    conn_close(c, CONN_END_QUIET);
    if (seed->fd >= 0)
        return 0;
    ws_seed_fini(seed);
    return error_set(err, ERR_IO, "no file descriptor is left for a WebSocket");
}

int exchange_upgrade(struct exchange *x, struct response *rs,
                     struct ws_seed *seed, struct error *err)
{
    struct ws_handshake h;
    struct slice protocol;

    MUST(x->is_delivered && x->response == NULL);
    *seed = (struct ws_seed){.fd = -1, .extensions = ""};
    check_request(x, &h);
    if (h.status != 101) {
        refuse(x, rs, ws_handshake_refuse(&h));
        return error_set(err, ERR_PROTO, "%s", h.text);
    }
    int rc = ws_handshake_chosen(x->handshake, rs, &protocol, err);

    if (rc != 0) {
        refuse(x, rs, response_text(500, slice_of(status_reason(500))));
        return rc;
    }
    struct shared *s = x->conn->shared;

    x->response = rs; /* goes with the exchange */
    seed->may_compress = h.window_bits != 0;
    seed->window_bits = h.window_bits;
    seed->extensions = h.extensions;
    buf_add_slice(&seed->protocol, protocol);
    ws_handshake_answer(&h, rs->fields, rs->field_count, shared_date(s),
                        &seed->unsent);
    return give_up(x, seed, err);
}
