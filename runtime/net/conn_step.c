#include "net/conn_step.h"

#include <sys/socket.h>

#include "base/err.h"
#include "net/incoming.h"
#include "net/outgoing.h"

/* Say that nothing follows, and read on until the peer has got it: closing
 * with unread bytes would reset the connection under the answer. */
static void linger(struct conn *c)
{
    conn_end_exchange(c, ERR_CLOSED);
    if (c->state == CONN_CLOSING)
        return;
    c->in = (struct slice){0};
    shutdown(conn_socket(c), SHUT_WR);
    conn_state_move(&c->state, CONN_LINGER);
}

/* The request is over and its answer has left. */
static void end_request(struct conn *c, bool keep)
{
    conn_end_exchange(c, ERR_CLOSED);
    if (c->state == CONN_CLOSING)
        return;
    if (keep)
        conn_state_move(&c->state, CONN_READ_HEAD);
    else
        conn_close(c, CONN_END_QUIET);
}

static bool step_head(struct conn *c)
{
    if (c->in.n != 0 && incoming_head(c))
        return true;
    if (c->peer_ended || (c->in.n == 0 && c->shared->is_draining))
        conn_close(c, CONN_END_QUIET);
    return false;
}

static bool step_read_body(struct conn *c)
{
    incoming_body(c);
    if (c->state != CONN_READ_BODY)
        return true;
    if (http_body_is_done(&c->exchange->in))
        conn_state_move(&c->state, CONN_HANDLE);
    else if (c->exchange->response != NULL)
        conn_state_move(&c->state, CONN_WRITE);
    else if (c->peer_ended)
        conn_close(c, CONN_END_QUIET);
    else
        return false;
    return true;
}

static void say_leaving(struct conn *c)
{
    struct exchange *x = c->exchange;
    const struct net_handler *handler = &c->shared->handler;

    if (!c->peer_ended || !x->is_delivered || x->is_leaving)
        return;
    x->is_leaving = true;
    if (handler->leaving != NULL)
        handler->leaving(handler->user, x);
}

static bool step_handle(struct conn *c)
{
    if (c->exchange->response == NULL)
        say_leaving(c);
    if (c->state != CONN_HANDLE)
        return true;
    if (c->exchange->response == NULL)
        return false;
    conn_state_move(&c->state, CONN_WRITE);
    return true;
}

/* The response has left. */
static void finish(struct conn *c)
{
    struct exchange *x = c->exchange;
    bool keep = x->plan.keep_alive;
    bool is_over = http_body_is_done(&x->in);

    if (is_over && (keep || (!x->is_refused && c->in.n == 0))) {
        end_request(c, keep);
    } else if (c->peer_ended) {
        conn_close(c, CONN_END_QUIET);
    } else if (is_over || x->awaits_continue) {
        linger(c);
    } else {
        outgoing_drop(x);
        if (!keep)
            shutdown(conn_socket(c), SHUT_WR);
        conn_state_move(&c->state, CONN_DRAIN);
    }
}

/* The framing tells the peer that the answer is not whole, and lets it have
 * what there was; without any only a reset does. */
static enum conn_end broken_end(const struct exchange *x)
{
    return x->plan.framing == HTTP_UNTIL_CLOSE ? CONN_END_HARD : CONN_END_QUIET;
}

static bool step_write(struct conn *c)
{
    incoming_body(c);
    if (c->state != CONN_WRITE)
        return true;
    if (c->peer_ended && !http_body_is_done(&c->exchange->in))
        incoming_cut(c->exchange, ERR_CLOSED);
    if (c->state != CONN_WRITE)
        return true;
    enum outgoing_state sent = outgoing_run(c);

    if (c->state != CONN_WRITE || sent == OUTGOING_WAITS)
        return false;
    if (sent == OUTGOING_BROKEN)
        conn_close(c, broken_end(c->exchange));
    else
        finish(c);
    return true;
}

/* More of an unwanted body will come than is worth reading. */
static bool is_hopeless(const struct exchange *x)
{
    bool is_unwanted =
        x->request_body == NULL || body_is_abandoned(x->request_body);

    return x->discarded > INCOMING_DISCARD_MAX ||
           (is_unwanted && http_body_left(&x->in) > INCOMING_DISCARD_MAX);
}

static bool step_drain(struct conn *c)
{
    struct exchange *x = c->exchange;

    if (x->request_body != NULL && body_is_lone(x->request_body))
        body_abandon(x->request_body);
    incoming_body(c);
    if (c->state != CONN_DRAIN)
        return true;
    if (http_body_is_done(&x->in) && (x->plan.keep_alive || c->in.n == 0))
        end_request(c, x->plan.keep_alive);
    else if (c->peer_ended)
        conn_close(c, CONN_END_QUIET);
    else if (http_body_is_done(&x->in) || is_hopeless(x))
        linger(c);
    else
        return false;
    return true;
}

static bool step_linger(struct conn *c)
{
    c->in = (struct slice){0};
    if (c->peer_ended)
        conn_close(c, CONN_END_QUIET);
    return false;
}

bool conn_step(struct conn *c)
{
    switch (c->state) {
    case CONN_READ_HEAD:
        return step_head(c);
    case CONN_READ_BODY:
        return step_read_body(c);
    case CONN_HANDLE:
        return step_handle(c);
    case CONN_WRITE:
        return step_write(c);
    case CONN_DRAIN:
        return step_drain(c);
    case CONN_LINGER:
        return step_linger(c);
    case CONN_CLOSING:
    case CONN_STATE_COUNT:
        break;
    }
    return false;
}
