/*
 * websocket.h - one WebSocket connection (RFC 6455, RFC 7692), server's or
 * client's side, and what those of one worker share.
 *
 *   exchange_upgrade, ws_connect --> seed --[another thread]--> websocket_open
 *   socket bytes --> wire/ws_message --> websocket_handler.message
 *   websocket_send --> packet's frame --> try to write, else the queue
 *
 * OPEN --websocket_close--> CLOSE_SENT --peer's close frame--> over
 *   +--peer's close frame--> CLOSE_GOT --websocket_close--> over
 *
 * An open websocket with nothing unread and nothing unsent holds no buffer.
 * All on the loop's thread of its hub.
 */
#ifndef NET_WEBSOCKET_H
#define NET_WEBSOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/logline.h"
#include "base/packet.h"
#include "base/random.h"
#include "base/slice.h"

struct websocket;
struct ws_hub;

/* A connection on its way to becoming a websocket, on whatever thread. */
struct ws_seed {
    int fd;            /* owned; -1: none */
    bool is_client;    /* our frames are masked, the peer's are not */
    bool may_compress; /* permessage-deflate, no context kept on either side */
    uint8_t window_bits; /* for what we compress: 9..15 */
    struct buf unsent;   /* goes out before the first frame: the 101's head */
    struct buf unread;   /* bytes that came behind the handshake */
    struct buf protocol; /* the sub-protocol; empty: none */
    const char *extensions; /* static: the value of Sec-WebSocket-Extensions,
                               "" without any */
};

/* Closes the descriptor and frees the buffers. */
void ws_seed_fini(struct ws_seed *s);

/* What the owner of a websocket is told; on the loop's thread, one at a time.
 * Each may call any function of this header. */
struct websocket_handler {
    /* A whole message; `bytes` are borrowed until it returns. */
    void (*message)(void *user, bool is_binary, struct slice bytes);
    /* The peer's close frame came (1005: without a code): websocket_close
     * answers it; after a while the websocket does so itself. */
    void (*closing)(void *user, int code, struct slice reason);
    /* The peer broke the protocol or does not read: `text` says how; `gone`
     * follows. */
    void (*failed)(void *user, struct slice text);
    /* It is over, the last call: the code of the close frame that ended it and
     * whether both sides sent one; 1006 when the connection was lost.  The
     * websocket must not be used after. */
    void (*gone)(void *user, int code, struct slice reason, bool was_clean);
};

struct ws_hub_config {
    uv_loop_t *loop;
    const struct clock *clock;
    struct random *random; /* of the masks of clients; NULL: the system's */
    uint64_t ping_ms;    /* limits.ping_ms; 0: no pings.  Two without an answer:
                            gone with 1006 */
    uint64_t close_ms;   /* so long a closing handshake may take */
    size_t buffer_bytes; /* limits.socket_buffer_mb, unsent of one websocket;
                            past it: closed with 1013 */
    size_t message_bytes; /* of one message; past it: closed with 1009 */
};

/* Owned by the caller until ws_hub_close. */
struct ws_hub *ws_hub_open(const struct ws_hub_config *config);
/* End every websocket without a word (their `gone` is called); `closed(arg)`
 * once all handles are closed and the hub is freed. */
void ws_hub_close(struct ws_hub *h, void (*closed)(void *arg), void *arg);
/* Open websockets, those that are closing included. */
uint32_t ws_hub_count(const struct ws_hub *h);

/* Take over what is in `seed`, send what is unsent, and begin to read in the
 * next iteration of the loop at the earliest (so that nothing is called before
 * this returns).  `handler` must live until it is over.  Returns NULL when the
 * descriptor cannot be used any more
 * (`seed` is empty all the same, nothing is called). */
struct websocket *websocket_open(struct ws_hub *h, struct ws_seed *seed,
                                 const struct websocket_handler *handler,
                                 void *user);
/* Send a message; takes a reference to `p` if it needs it longer.  Never
 * waits; dropped after a close. */
void websocket_send(struct websocket *w, struct packet *p);
/* Send a close frame after what is unsent (1005: an empty one; in answer to
 * the peer's: the end); again: nothing.  `gone` follows later, never from
 * inside. */
void websocket_close(struct websocket *w, int code, struct slice reason);
/* End it without a word, `gone` is not called; `w` must not be used after. */
void websocket_cut(struct websocket *w);
/* Messages are wanted, or not for now: then the socket is not read. */
void websocket_want(struct websocket *w, bool is_wanted);
/* What websocket_open was given. */
void *websocket_user(const struct websocket *w);
/* Bytes that wait to be sent. */
size_t websocket_unsent(const struct websocket *w);

#endif
