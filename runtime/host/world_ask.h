/*
 * world_ask.h - what a world's scripts ask of what is outside it, and the test
 * answers: mk.fetch, mk.WebSocket, calls of the test's own functions.
 *
 *   script --host_ops--> WAITING --world_ask_next--> SEEN --answer, fail-->
 * gone
 *                           '--the asker is gone---------'
 *
 * An ask is known by its number while the test makes up its mind, as its asker
 * may be gone meanwhile.
 */
#ifndef HOST_WORLD_ASK_H
#define HOST_WORLD_ASK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"
#include "base/message.h"
#include "object/port.h"
#include "object/timer.h"

struct event;
struct world;
struct world_socket;

enum world_ask_kind {
    WORLD_ASK_FETCH,
    WORLD_ASK_SOCKET, /* mk.WebSocket */
    WORLD_ASK_CALL    /* of a target of the test (world_target.h) */
};

struct world_ask {
    enum world_ask_kind kind;
    uint64_t number;
    struct world *world;
    struct list link;
    struct request *request;   /* FETCH, SOCKET; owned */
    struct fetch_call *fetch;  /* FETCH */
    struct connect *connect;   /* SOCKET */
    struct socket *socket;     /* SOCKET; held */
    struct event *event;       /* CALL; owned */
    struct response *response; /* FETCH: the answer, until it is time */
    struct timer timer;        /* FETCH: the answer's delay, or the time-out */
};

/* The oldest that was not looked at yet, or NULL; the world's. */
struct world_ask *world_ask_next(struct world *w);
/* The one with that number that waits for its answer; NULL when it is gone. */
struct world_ask *world_ask_find(struct world *w, uint64_t number);

/* FETCH: the answer (taken over), `delay_ms` from now; past the request's
 * time-out that comes instead. */
void world_ask_answer(struct world_ask *a, struct response *rs,
                      int64_t delay_ms);
/* SOCKET: it is connected, with that sub-protocol; NULL when the script has
 * closed it meanwhile.  [frees a] */
struct world_socket *world_ask_connect(struct world_ask *a,
                                       struct slice protocol);
/* FETCH and SOCKET: it cannot be had.  [frees a] */
void world_ask_fail(struct world_ask *a, const char *text);
/* CALL: the event's outcome is filled.  [frees a] */
void world_ask_return(struct world_ask *a);

#endif
