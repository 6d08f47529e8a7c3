/*
 * ws_inside.h - what the files of websocket.h share: the struct of a websocket
 * and that of its hub.
 *
 *   websocket.c  open, close, how it ends   ws_send.c  messages to bytes
 *   ws_hub.c     what all share, time       ws_read.c  bytes to messages
 *
 * Whatever may end a websocket moves it to OVER and leaves the telling to
 * ws_hub_later, so that no call from above is answered from inside.  A handler
 * that is called may cut: then the state is CLOSED, and the struct stays until
 * libuv has closed its handle.
 */
#ifndef NET_WS_INSIDE_H
#define NET_WS_INSIDE_H

#include "base/list.h"
#include "net/deadline.h"
#include "net/websocket.h"
#include "net/ws_state.h"
#include "wire/ws_message.h"

enum {
    WS_HUB_READ_SIZE = 64 * 1024,
    WS_HUB_SCRATCH_MAX = 64 * 1024, /* bytes that stay allocated */
    WS_HUB_KEYS = 64,               /* masks made at a time */
};

struct ws_outbox; /* ws_send.c */
struct ws_rest;   /* ws_read.c */

/* How it ended, or will: the peer's close frame until ours answers it. */
struct ws_ending {
    uint16_t code;
    bool was_clean;
    bool has_failed; /* and the reason says how */
    uint8_t n;
    char reason[WS_FRAME_REASON_MAX];
};

/* One for each connection: keep it small.  The user of its handler is in
 * tcp.data. */
struct websocket {
    uv_tcp_t tcp; /* the loop owns the struct until on_closed */
    struct ws_hub *hub;
    struct list member; /* of a list of the hub; of none once CLOSED */
    struct deadline deadline;
    struct ws_message in;
    const struct websocket_handler *handler; /* NULL: there is nobody to tell */
    struct ws_outbox *outbox;                /* owned; NULL: all was sent */
    union {
        struct ws_rest *rest;     /* OPEN, CLOSE_SENT: read and not yet wanted;
                                     owned; NULL without any */
        struct ws_ending *ending; /* CLOSE_GOT, OVER, CLOSED; owned, or NULL */
    };
    uint8_t state;       /* enum ws_state */
    uint8_t missed;      /* pings since the last sign of life */
    bool compresses : 1; /* what we send, with the widest window */
    bool is_wanted : 1;
    bool is_reading : 1; /* uv_read is on */
    bool peer_ended : 1; /* it will send nothing more */
    bool is_broken : 1;  /* nothing can be sent any more */
    uint32_t unacked;    /* bytes on their way when a ping was missed */
};

struct ws_hub {
    struct ws_hub_config config;
    struct deadlines deadlines;
    uv_idle_t idle;     /* runs while `todo` has members */
    struct list todo;   /* websockets that wait for ws_attend */
    struct list now;    /* of these, those whose turn it is */
    struct list others; /* all the rest but those CLOSED */
    uint32_t count;     /* structs that are not yet freed */
    uint32_t handles;   /* of our own that are not yet closed */
    bool is_closing;
    struct ws_deflate *deflate;
    struct buf scratch; /* of the frame that is being made */
    uint8_t keys[WS_HUB_KEYS][4];
    uint32_t keys_left;
    char *read_buffer; /* WS_HUB_READ_SIZE bytes */
    void (*closed)(void *arg);
    void *closed_arg;
};

/* ---- websocket.c ---- */

static inline bool ws_is_client(const struct websocket *w)
{
    return w->in.frame.role == WS_CLIENT;
}

/* Messages may still come from the peer. */
static inline bool ws_is_listening(const struct websocket *w)
{
    return w->state == WS_STATE_OPEN || w->state == WS_STATE_CLOSE_SENT;
}

/* A new one for w->ending; the reason is copied, cut if it is too long. */
struct ws_ending *ws_ending_new(int code, struct slice reason);
/* To OVER, unless it is; `ending` (owned) is what the owner will be told. */
void ws_end(struct websocket *w, struct ws_ending *ending);
/* The peer broke a rule: close with `code`, and tell both sides why. */
void ws_fail(struct websocket *w, int code, struct slice text);
/* Nothing can be sent any more, or nobody is there. */
void ws_lose(struct websocket *w);
/* OVER: close once all is said. */
void ws_leave(struct websocket *w);
/* Close the socket; the struct is freed later. */
void ws_close_handle(struct websocket *w);
/* What ws_hub_later put off.  [may call back] */
void ws_attend(struct websocket *w);
/* For deadlines_init. */
void ws_on_deadline(struct deadline *d, enum deadline_kind kind);
/* The owner's last call, unless there is none.  [may call back] */
void ws_tell_gone(struct websocket *w);

/* ---- ws_hub.c ---- */

/* ws_attend in the next iteration of the loop. */
void ws_hub_later(struct websocket *w);
void ws_hub_add(struct ws_hub *h, struct websocket *w);
/* A struct was freed.  [may free h] */
void ws_hub_remove(struct ws_hub *h);
/* The next mask of a client, NULL for a server; until the next call. */
const uint8_t *ws_hub_key(struct websocket *w);
/* Empty, for the frame that is to be made; until the next call. */
struct buf *ws_hub_scratch(struct ws_hub *h);

/* ---- ws_send.c ---- */

/* Send these bytes behind what is unsent; what the socket does not take is
 * kept: by reference to `owner`, in which they lie, or as a copy (NULL). */
void ws_send_bytes(struct websocket *w, struct slice bytes,
                   struct packet *owner);
void ws_send_ping(struct websocket *w);
/* The peer has acknowledged something since the last call, though what it was
 * sent is still on its way. */
bool ws_send_has_progress(struct websocket *w);
/* While something is unsent, only the latest pong is kept. */
void ws_send_pong(struct websocket *w, struct slice payload);
void ws_send_close(struct websocket *w, int code, struct slice reason);
/* Forget what is unsent but for what the socket has begun to take. */
void ws_send_forget(struct websocket *w);
void ws_outbox_free(struct ws_outbox *o); /* NULL is allowed */

/* ---- ws_read.c ---- */

/* Read the socket, or do not, as is wanted now. */
void ws_read_set(struct websocket *w);
/* Begin with bytes that came before.  Copies. */
void ws_read_init(struct websocket *w, struct slice unread);
/* Go on with what was not wanted.  [may call back] */
void ws_read_rest(struct websocket *w);
void ws_read_forget(struct websocket *w);

#endif
