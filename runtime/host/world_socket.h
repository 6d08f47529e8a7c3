/*
 * world_socket.h - the test's end of a WebSocket in a world.
 *
 *   the test --world_socket_send--> socket of an object
 *   the test <--world_socket_receive-- [inbox] <--peer_ops.send-- the object
 *
 * It stands where a connection is in the program, and does what a client's
 * library does: answers the other's close frame, holds back while the object
 * does not want more, and is closed with 1013 when its inbox has more than
 * limits.socket_buffer_mb.  There are no frames: nothing is compressed.
 */
#ifndef HOST_WORLD_SOCKET_H
#define HOST_WORLD_SOCKET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"
#include "base/message.h"
#include "base/packet.h"

struct socket;
struct world;
struct world_call;

enum world_socket_state {
    WORLD_SOCKET_OPEN,
    WORLD_SOCKET_CLOSING, /* our close frame waits for its answer */
    WORLD_SOCKET_CLOSED,
};

struct world_socket {
    struct list link;      /* world.sockets while it has a socket */
    struct world *world;   /* NULL: it is over, and perhaps its world too */
    struct socket *socket; /* held; NULL: it is over */
    enum world_socket_state state;
    struct list in;  /* messages that came */
    struct list out; /* ... that the object does not want yet */
    size_t in_bytes;
    bool is_wanted;
    bool is_full;     /* to be closed with 1013 */
    bool owes_answer; /* the object's close frame has come */
    bool is_dropped;  /* the test has let go of it */
    int close_code;   /* once CLOSING or CLOSED */
    bool was_clean;   /* the same */
    struct buf close_reason;
    struct buf protocol; /* that was chosen */
};

/* What makes a GET a request for a WebSocket, offering `protocols` ("a, b";
 * empty: none); NUL-terminated names and values as fields in `out`, static or
 * borrowed from `protocols`.  Returns how many. */
enum { WORLD_SOCKET_FIELDS = 6 };
uint32_t world_socket_fields(struct slice protocols,
                             struct field out[WORLD_SOCKET_FIELDS]);

/*
 * Take the WebSocket in `rs`, the answer to `rq`; both stay the caller's.
 * Returns 0, or ERR_INVALID: the answer is none (no 101), or chose a protocol
 * that was not offered; `*err` says so.
 */
int world_socket_open(struct world *w, const struct request *rq,
                      struct response *rs, struct world_socket **out,
                      struct error *err);
/* The same for `s`, which asked for a connection to elsewhere; NULL when it is
 * over. */
struct world_socket *world_socket_meet(struct world *w, struct socket *s,
                                       struct slice protocol);
/* The test has no more use for it: an open one is lost (1006). */
void world_socket_free(struct world_socket *s);

/* ERR_CLOSED unless OPEN. */
int world_socket_send(struct world_socket *s, bool is_binary,
                      struct slice bytes);
/* Send a close frame (`code` 1005: an empty one); nothing unless OPEN. */
void world_socket_close(struct world_socket *s, int code, struct slice reason);
/* Lose the connection, as when the network fails. */
void world_socket_lose(struct world_socket *s);
/* The next message, owned by the caller (packet_drop), or NULL. */
struct packet *world_socket_receive(struct world_socket *s);

/* world.c: do what could not be done from within the object's calls; whether
 * there is something of the kind. */
void world_sockets_run(struct world *w);
bool world_sockets_wait(const struct world *w);

#endif
