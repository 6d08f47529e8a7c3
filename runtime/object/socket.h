/*
 * socket.h - the end of a WebSocket that belongs to an object (or a router).
 *
 *   peer --socket_on_message--> [auto-response] --> mailbox --> the script
 *   the script --socket_send--> [gate] --> peer_ops.send
 *
 * NEW --accept--> QUEUED --listen--> LISTENED   (plain: keep the object awake)
 *  +------------> HIBERNATABLE                  (outlives the object's state)
 *
 * What is at the other end, the peer, is the host's: a connection, or the
 * other end of a pair in some script.  A socket without peer keeps what is
 * sent until it gets one.  Reference-counted; the object has one reference
 * until the socket is over.  One thread: the object's.
 */
#ifndef OBJECT_SOCKET_H
#define OBJECT_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"
#include "base/packet.h"
#include "base/slice.h"
#include "object/port.h"

struct event;
struct object;
struct realm;
struct section;

enum {
    SOCKET_TAGS_MAX = 10,
    SOCKET_TAG_MAX = 256,          /* bytes */
    SOCKET_ATTACHMENT_MAX = 16384, /* bytes, encoded */
    SOCKET_AUTO_MAX = 2048,        /* bytes, request and response each */
    SOCKETS_MAX = 32768,           /* hibernatable ones of an object */
    SOCKET_AHEAD_MAX = 16,         /* messages that wait, then the peer is
                                      told to stop; or so many bytes: */
    SOCKET_AHEAD_BYTES = 64 * 1024,
    SOCKETS_AHEAD_BYTES = 64 * 1024 * 1024, /* of all of an object together,
                                               then all peers are told */
};

enum socket_mode {
    SOCKET_NEW,      /* not accepted: messages wait */
    SOCKET_QUEUED,   /* plain: messages wait for socket_receive */
    SOCKET_LISTENED, /* plain: messages are events of the object's own */
    SOCKET_HIBERNATABLE
};

/* As the script sees it: CLOSED from when its close event begins. */
enum socket_state { SOCKET_OPEN, SOCKET_CLOSING, SOCKET_CLOSED };

enum socket_event { SOCKET_MESSAGE, SOCKET_CLOSE, SOCKET_ERROR };

/* What came from the peer: in an event (EVENT_SOCKET; part of it), or in the
 * queue of a plain socket. */
struct socket_news {
    struct list link;
    struct socket *socket; /* of an event: held; in a queue: NULL */
    enum socket_event kind;
    bool is_binary;     /* MESSAGE */
    bool was_clean;     /* CLOSE */
    int code;           /* CLOSE */
    struct slice bytes; /* the message, the reason, the error's text; owned */
    char *large;        /* where they are unless they follow this struct */
};

/* Free what socket_receive gave; NULL is allowed. */
void socket_news_free(struct socket_news *n);
/* The bytes were copied: give back their memory if that is worth it. */
void socket_news_forget(struct socket_news *n);

struct socket_tags; /* socket_tags.c */
struct socket_more; /* what most do not have (socket_inside.h) */

struct socket {
    uint32_t refs;
    uint32_t held;         /* sends that the gate holds */
    struct object *object; /* NULL once it is over and let go */
    struct realm *realm;
    struct list link;           /* among the object's sockets, oldest first */
    uint64_t number;            /* in its realm; never 0 */
    const struct peer_ops *ops; /* NULL: no peer (yet, or any more) */
    void *peer;
    struct socket_more *more; /* owned */
    struct socket_tags *tags; /* owned; NULL: none */
    struct buf attachment;    /* encoded; empty: none */
    int64_t auto_ms;          /* time of the last auto-response; 0: none */
    char *protocol;           /* owned, NUL-terminated; NULL: none */
    const char *extensions;   /* static; "" without any */
    /* The bindings' own: who waits in receive (NULL: nobody), and a registry
     * reference in the object's state, set to SOCKET_NO_REF whenever that
     * state goes. */
    void *script;
    int script_ref;
    uint32_t unread_n; /* messages that wait, in whatever queue */
    uint32_t unread_bytes;
    uint8_t mode;             /* enum socket_mode */
    uint8_t state;            /* enum socket_state */
    bool is_behind : 1;       /* too much of its own waits */
    bool is_paused : 1;       /* the peer was told to stop */
    bool is_over : 1;         /* nothing more will come: its close is queued */
    bool peer_is_closing : 1; /* the peer waits for our close frame */
    bool has_closed : 1;      /* our close frame is on its way */
    bool keeps : 1;           /* the object awake (object_keep) */
    bool is_excepted : 1;     /* while a broadcast looks for its sockets */
};

enum { SOCKET_NO_REF = -2 };

/* ---- the script's side (bindings) ---- */

/* A NEW socket of `o`; the caller gets one reference of its own. */
struct socket *socket_new(struct object *o);
struct socket *socket_hold(struct socket *s);
/* When the last holder but object and peer lets go of a NEW one, it is cut. */
void socket_drop(struct socket *s); /* NULL is allowed */

/* NEW to QUEUED: keeps the object awake until it is over. */
void socket_accept_plain(struct socket *s);
/* NEW, QUEUED or LISTENED to HIBERNATABLE with `count` tags (at most
 * SOCKET_TAGS_MAX, each at most SOCKET_TAG_MAX bytes; copied, repeated ones
 * once).  What waited in the inbox becomes events.  ERR_TOO_BIG: the object
 * has SOCKETS_MAX already. */
int socket_accept_hibernatable(struct socket *s, const struct slice *tags,
                               size_t count);
/* QUEUED to LISTENED: what waited in the inbox becomes events, in the section
 * of the running task. */
void socket_listen(struct socket *s);
/* QUEUED: the next of the inbox, owned by the caller, or NULL when nothing is
 * there; script_ops.socket_ready is called when something comes.  A close is
 * the last: with it the socket leaves the object, and the caller remembers. */
struct socket_news *socket_receive(struct socket *s);
/* Send `p` (a reference is taken) after what the object wrote so far is on
 * disk; dropped silently when the peer is gone.  OPEN only. */
void socket_send(struct socket *s, struct packet *p);
/* Close with `code` (1005: without one); the reason is copied.  Does nothing
 * unless OPEN, which becomes CLOSING. */
void socket_close(struct socket *s, int code, struct slice reason);
/* It goes out to `url`, which is copied; what it says, NULL when it does not
 * go out. */
void socket_set_url(struct socket *s, struct slice url);
const char *socket_url(const struct socket *s);
/* Copies. */
void socket_set_attachment(struct socket *s, struct slice encoded);
/* Number of tags; `i` from 0.  Borrowed. */
size_t socket_tag_count(const struct socket *s);
struct slice socket_tag(const struct socket *s, size_t i);
bool socket_has_tag(const struct socket *s, struct slice tag);

/* Walk over the HIBERNATABLE sockets of `o` that are OPEN or CLOSING, newest
 * first; with `tag` (p == NULL: all) those that have it.  NULL first, NULL at
 * the end. */
struct socket *sockets_next(const struct object *o, const struct socket *after,
                            struct slice tag);
/* Send `p` to every OPEN hibernatable socket with `tag` (p == NULL: all) but
 * those in `except`.  Returns how many. */
size_t sockets_broadcast(struct object *o, struct packet *p, struct slice tag,
                         struct socket *const *except, size_t except_n);
/* What answers which text message without the script; request.p == NULL:
 * unset.  Copies. */
void sockets_set_auto(struct object *o, struct slice request,
                      struct slice response);
/* Returns false when unset; borrowed. */
bool sockets_auto(const struct object *o, struct slice *request,
                  struct slice *response);

/* ---- the host's side ---- */

/* The socket with that number that has no connection as its peer: uncoupled,
 * or coupled with the other end of a pair; NULL when it is over. */
struct socket *socket_find(struct realm *r, uint64_t number);
/*
 * Couple with `peer`; what was sent before goes there now.  The peer has one
 * reference of its own (socket_hold before this), which it drops after
 * socket_on_gone or in peer_ops.cut.  `protocol` is copied (empty: none),
 * `extensions` static.
 *
 * Returns 0, or ERR_CLOSED when `s` is over or has a peer already: then `peer`
 * stays the caller's and hears nothing.
 */
int socket_attach(struct socket *s, const struct peer_ops *ops, void *peer,
                  struct slice protocol, const char *extensions);
/* A message came; copies the bytes.  Never runs script code, never frees the
 * peer, as all that follow. */
void socket_on_message(struct socket *s, bool is_binary, struct slice bytes);
/* The peer's close frame came (1005: without a code): it gets ours by
 * peer_ops.close once the script has what came before. */
void socket_on_closing(struct socket *s, int code, struct slice reason);
/* The peer is no more, or will never come (nobody took the ticket): with what
 * the script is told unless it was told before by socket_on_closing. */
void socket_on_gone(struct socket *s, int code, struct slice reason,
                    bool was_clean);
/* It failed otherwise; socket_on_gone follows. */
void socket_on_error(struct socket *s, struct slice text);

/* ---- the object's side ---- */

/* The object has sockets that keep its struct in memory while asleep. */
bool sockets_any(const struct object *o);
/* Its state goes: NEW sockets are cut, hibernatable ones stay, plain ones are
 * closed with 1012. */
void sockets_unload(struct object *o);
/* Its state is to go when its events have ended: plain sockets are closed with
 * 1012, so that those that wait for them end. */
void sockets_retire(struct object *o);
/* The object is reset: all are cut, and the fresh state is told of each
 * hibernatable one by a close event (1006). */
void sockets_reset(struct object *o);
/* The object is deleted: all are cut, and nobody is told. */
void sockets_forget(struct object *o);
/* The server goes down: close every socket of every object with 1001, behind
 * what the gate holds for it; also those that get their peer later. */
void sockets_go_away(struct realm *r);
/* realm_trim */
void sockets_trim_all(struct realm *r);
/* Sockets that still have a peer, in all objects. */
size_t sockets_left(const struct realm *r);
/* An EVENT_SOCKET begins, before its handler runs; it has failed before it
 * could begin (the socket is closed with 1011); it is over. */
void socket_event_begins(struct event *e);
void socket_event_failed(struct event *e);
void socket_event_ends(struct event *e);
/* What event_free does for one. */
void socket_event_fini(struct event *e);

#endif
