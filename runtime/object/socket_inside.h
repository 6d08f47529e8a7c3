/*
 * socket_inside.h - what the files of sockets share; nobody else includes it.
 *
 *   socket.c       the socket itself, from its making until it leaves
 *   socket_news.c  what came: events, the inbox, back-pressure
 *   socket_out.c   what goes: the gate, the wait for a peer
 *   socket_peer.c  what the peer says
 *   socket_tags.c  tags and their table
 *   sockets.c      all of an object, all of a realm
 */
#ifndef OBJECT_SOCKET_INSIDE_H
#define OBJECT_SOCKET_INSIDE_H

#include "object/realm.h"
#include "object/socket.h"

/* Close codes that the runtime itself uses (RFC 6455, section 7.4). */
enum {
    CLOSE_GOING_AWAY = 1001,
    CLOSE_LOST = 1006,
    CLOSE_FAILED = 1011,
    CLOSE_RESTART = 1012
};

/* What a socket has that has no peer yet, is plain or outgoing, or can be
 * found. */
struct socket_more {
    struct socket *socket;
    char *url;           /* owned; of an outgoing one, else NULL */
    struct list waiting; /* what goes out once there is a peer */
    size_t waiting_bytes;
    struct list inbox;       /* socket_news: NEW, QUEUED */
    struct section *section; /* LISTENED: of the task that listens; held */
    bool is_findable;
    UT_hash_handle hh; /* realm.sockets, by the socket's number */
};

/* Those of one object; NULL in the object as long as it has none. */
struct sockets {
    struct list accepted; /* hibernatable, oldest first */
    struct list others;   /* NEW and plain, oldest first */
    size_t accepted_n;
    size_t unread_bytes;         /* of messages that wait, of all sockets */
    bool is_full;                /* of those: no peer may send more */
    struct packet *auto_request; /* NULL: unset */
    struct packet *auto_response;
};

/* ---- socket.c ---- */

/* Made on first use, given up when there is nothing in it. */
struct socket_more *socket_need_more(struct socket *s);
void socket_trim_more(struct socket *s);
/* socket_find does not give it any more. */
void socket_hide(struct socket *s);
/* End it without a word: nothing comes, nothing goes any more.  It stays with
 * its object.  The caller has a reference. */
void socket_cut(struct socket *s);
/* Its object lets go of it. [may free s] */
void socket_leave(struct socket *s);
/* It no longer keeps its object awake. */
void socket_let_go(struct socket *s);

/* ---- socket_news.c ---- */

/* Give a copy of `what` (kind and what belongs to it; the bytes are borrowed)
 * to the script in the way of the socket's mode.  With a CLOSE it is over. */
void socket_tell(struct socket *s, const struct socket_news *what);
/* What is in the inbox goes the way of the mode that the socket has now. */
void socket_tell_inbox(struct socket *s);
/* Events of `s` that the object has not begun go from its own to those from
 * outside: `s` is hibernatable now. */
void socket_move_spawned(struct socket *s);
/* Free the events of `s` (NULL: of all sockets) that have not begun, but for
 * closes where `keep_closes`. */
void socket_drop_mail(struct object *o, const struct socket *s,
                      bool keep_closes);
/* The peer may be told to stop, now that a message waits. */
void socket_count(struct socket *s, size_t bytes);
/* There is a peer now: it may be told to stop at once. */
void socket_pace(struct socket *s);
/* What waits of `s` does not hold up the others of its object any more, which
 * it is about to leave, and nothing holds up its peer. */
void socket_uncount(struct socket *s);

/* ---- socket_out.c ---- */

/* Send a close frame behind what the gate holds; only the first counts. */
void socket_push_close(struct socket *s, int code, struct slice reason);
/* The same for messages, whatever the state. */
void socket_push(struct socket *s, struct packet *p);
/* Hold `p` for `count` sockets in `to` in one item of the gate. */
void socket_hold_back(struct object *o, struct packet *p,
                      struct socket *const *to, size_t count);
/* To the peer, or to what waits for one. */
void socket_pass(struct socket *s, struct packet *p);
/* There is a peer now: it gets what waited for it. */
void socket_flush(struct socket *s);
/* Free what waited for a peer. */
void socket_forget_waiting(struct socket *s);

/* ---- socket_tags.c ---- */

void socket_tags_set(struct socket *s, const struct slice *tags, size_t count);
/* It leaves its object: not found by its tags any more, but has them. */
void socket_tags_leave(struct socket *s);
void socket_tags_free(struct socket *s);
/* realm_trim */
void socket_tags_trim(struct realm *r);
/* sockets_next with a tag. */
struct socket *socket_tags_next(const struct object *o,
                                const struct socket *after, struct slice tag);

/* ---- sockets.c ---- */

struct sockets *sockets_need(struct object *o);
/* Free `o->sockets` when nothing is in it. */
void sockets_trim(struct object *o);
/* The script can find it: hibernatable, open or closing. */
bool sockets_shows(const struct socket *s);

#endif
