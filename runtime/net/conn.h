/*
 * conn.h - one client connection, and the request that is under way on it.
 *
 *   uv_read --> in --> incoming (head, body) --> net_handler.request
 *   uv_write <-- outgoing <-- exchange_reply, the response's body
 *
 * Everything that happens to a connection ends in conn_run(), which goes
 * through the states as far as it can.  One request at a time: the next is
 * read when the answer to the one before has left, so answers are in order.
 */
#ifndef NET_CONN_H
#define NET_CONN_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/message.h"
#include "net/conn_state.h"
#include "net/deadline.h"
#include "net/shared.h"
#include "wire/http_body.h"
#include "wire/http_reply.h"

struct pending; /* bytes that the socket did not take: outgoing.c */

struct conn {
    uv_tcp_t tcp; /* the loop owns the struct until on_closed */
    struct shared *shared;
    struct list member; /* of shared->conns */
    struct deadline deadline;
    struct exchange *exchange; /* owned; NULL between requests */
    struct pending *pending;   /* owned by the loop; NULL: all was sent */
    struct slice in;           /* unread: in `stash` or in read_buffer */
    struct buf stash;          /* empty unless something stays unread */
    uint32_t seen;             /* unread bytes known to be half a head */
    enum conn_state state;
    bool is_fresh;   /* no request has come yet */
    bool is_reading; /* uv_read is on */
    bool is_running; /* conn_run is on the stack */
    bool is_active;  /* bytes went in or out since the deadline was set */
    bool peer_ended; /* it will send nothing more, but may still listen */
    char ip[MESSAGE_IP_MAX];
};

struct exchange {
    struct conn *conn;
    void *data;                /* the handler's */
    struct request *handshake; /* held; NULL unless it asks for a WebSocket */
    struct http_body in;       /* framing of the request's body */
    struct body *request_body; /* owned; NULL unless more is to be written */
    int64_t received;          /* bytes of the request's body */
    int64_t discarded;         /* of these, those that nobody wanted */
    struct response *response; /* owned; NULL until the reply */
    struct http_terms terms;
    struct http_reply plan; /* of the response, once started */
    int64_t left;           /* bytes to send of a body with HTTP_LENGTH */
    int unsent;             /* in the socket when last looked at */
    bool has_body;          /* the request */
    bool is_delivered;      /* the handler has it and has not answered */
    bool is_leaving;        /* ... and knows that the client is */
    bool is_refused;        /* the answer is ours, to a bad request */
    bool awaits_continue;   /* 100 was asked for and not sent */
    bool is_started;        /* `plan` is made */
    bool has_head_sent;
    bool is_all_sent; /* what is not yet on its way is in `pending` */
};

enum conn_end {
    CONN_END_QUIET, /* the peer reads what was sent, then the end */
    CONN_END_HARD,  /* the peer gets a reset: the answer is not whole */
};

/* Accept the connection that waits at `listener`. */
void conn_open(struct shared *s, uv_stream_t *listener);
/* Close the socket, tell the handler, fail and abandon bodies; again: nothing.
 * [may free c->exchange] */
void conn_close(struct conn *c, enum conn_end end);
/* The exchange ends here, answered or not; as conn_close for what hangs on it.
 * `err` is for a body that is still coming. */
void conn_end_exchange(struct conn *c, int err);
/* The file descriptor. */
int conn_socket(const struct conn *c);
/* Go on as far as bytes, bodies and replies allow.  [may free c->exchange] */
void conn_run(struct conn *c);
/* For deadlines_init. */
void conn_on_deadline(struct deadline *d, enum deadline_kind kind);

#endif
