/*
 * mail.h - letters between workers: the only way from one to another.
 *
 *   mail_send --> inbox of the other worker --uv_async--> mail_take, in order
 *
 * A letter carries owned values that nobody else refers to (STYLE, F5).
 */
#ifndef HOST_MAIL_H
#define HOST_MAIL_H

#include <uv.h>

#include "base/list.h"
#include "base/oid.h"
#include "host/links.h"
#include "object/event.h"

struct ask;
struct body;
struct chase;
struct code;
struct errand;
struct relay_in;
struct relay_out;
struct worker;
struct ws_seed;

enum letter_kind {
    LETTER_CALL,   /* an event for one of the receiver's objects */
    LETTER_REPLY,  /* its outcome, back to the caller's worker */
    LETTER_CHASE,  /* along a chain of calls (object/chain.h) */
    LETTER_RELAY,  /* a piece of a body under way (relay.h) */
    LETTER_TARGET, /* nobody else refers to one of the receiver's targets */
    LETTER_SOCKET, /* a connection for one of the receiver's sockets */
    LETTER_TICKET, /* nobody took the opposite end of such a socket */
    LETTER_LINK,   /* between two sockets (links.h) */
    LETTER_ROOM,   /* connections may be accepted again */
    LETTER_RELOAD, /* a new version of the script */
    LETTER_ANSWER, /* to the console: of a question (asks.h) */
    LETTER_ERRAND, /* a function to be run (errand.h) */
    LETTER_DRAIN,  /* no new connections; tell when all is done */
    LETTER_CLOSE   /* end */
};

enum relay_kind {
    RELAY_CREDIT,  /* to the sender: so many bytes more */
    RELAY_ABANDON, /* to the sender: nobody reads */
    RELAY_OVER,    /* to the sender: forget it */
    RELAY_DATA,    /* to the receiver */
    RELAY_END,     /* to the receiver; status is 0 or why it failed */
};

struct letter {
    enum letter_kind kind;
    struct list link;
    struct worker *from;
    /* CALL */
    char *class_name; /* owned; NULL: the event is for a target */
    char *name;       /* owned; NULL: not known */
    size_t name_n;
    struct oid id;
    struct event *event; /* owned */
    struct reply *reply; /* the caller's; in REPLY as well */
    /* REPLY */
    struct outcome outcome;
    /* CHASE */
    struct chase *chase; /* owned */
    /* RELAY; in CALL and REPLY: the sending end of an open body */
    enum relay_kind relay;
    struct relay_out *out;
    struct relay_in *in;
    int64_t length;  /* of the body, -1 unknown */
    size_t credit;   /* bytes; in LINK as well */
    struct buf data; /* owned; in LINK as well */
    int status;      /* in LINK a close code */
    /* TARGET */
    uint64_t target; /* its number */
    /* SOCKET, TICKET, LINK */
    uint64_t socket;      /* number of the receiver's */
    struct ws_seed *seed; /* SOCKET; owned */
    enum link_step step;  /* LINK */
    uint64_t peer;        /* LINK: number of the socket at the other end */
    bool is_binary;       /* LINK */
    bool was_clean;       /* LINK */
    /* RELOAD */
    struct code *code; /* held */
    /* ANSWER */
    struct ask *ask;
    /* ERRAND */
    struct errand *errand; /* whose end somebody waits for */
};

struct inbox {
    uv_mutex_t mutex;
    struct list letters;
    bool is_signalled; /* an uv_async_send is on its way */
    bool is_closed;    /* letters are thrown away ... */
    struct list lost;  /* ... but for the replies that somebody waits for */
};

void inbox_init(struct inbox *in);
/* From here on letters are thrown away, as those that nobody took; the async
 * may be closed. */
void inbox_close(struct inbox *in);
/* All threads have ended: the calls whose letters were thrown away here, or
 * whose answers were, fail, so that their records are freed.  May post letters,
 * to inboxes that are closed as well. */
void inbox_settle(struct inbox *in);
/* Settled, and nobody sends any more. */
void inbox_fini(struct inbox *in);
struct letter *letter_new(enum letter_kind kind, struct worker *from);
void letter_free(struct letter *l);
/* Put `l` (taken over) into the inbox and wake `async` (NULL: nobody) if need
 * be. */
void mail_send(struct inbox *to, uv_async_t *async, struct letter *l);
/* Move all letters to `out`, in order. */
void mail_take(struct inbox *in, struct list *out);

#endif
