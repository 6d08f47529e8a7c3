/*
 * links.h - two sockets as each other's peer: the ends of a pair in scripts,
 * on one worker or on two.
 *
 *   socket --send--> link end ==letters==> link end --> socket_on_message
 *                       <== credit ==
 *
 * Always by letters, even on one worker, so that nothing is called from inside
 * a call.  At most LINKS_WINDOW bytes are under way or unread; what is sent
 * beyond waits at the sender, up to limits.socket_buffer_mb.
 */
#ifndef HOST_LINKS_H
#define HOST_LINKS_H

#include "base/message.h"

struct letter;
struct socket;
struct worker;

enum {
    LINKS_WINDOW = 256 * 1024,
    LINKS_OVERHEAD = 128, /* what a message counts besides its bytes */
    LINKS_CLOSE_MS = 10000
};

enum link_step {
    LINK_COUPLE,  /* the peer wants to be coupled */
    LINK_CREDIT,  /* so many bytes more */
    LINK_MESSAGE, /* data, is_binary */
    LINK_CLOSE,   /* a close: status, data */
    LINK_GONE,    /* the peer is no more: status, data, was_clean */
    LINK_FAILED   /* to oneself: too much waits to be sent */
};

/* One end. (links.c) */
struct link_end;

/* host_ops.couple; `host` is the worker. */
void links_couple(void *host, struct socket *s, struct ticket *t);
/* A LETTER_LINK has come; `l` stays the caller's. */
void links_receive(struct worker *w, const struct letter *l);

#endif
