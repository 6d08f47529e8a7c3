/*
 * event.h - what is delivered to an object, and what comes of it.
 *
 *   host --event--> mailbox --> task --> outcome --gate--> reply.done
 *
 * An event has one owner at a time: the host, the mailbox, the task that runs
 * it, and at last the gate that holds its reply.
 */
#ifndef OBJECT_EVENT_H
#define OBJECT_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"
#include "base/message.h"
#include "base/oid.h"
#include "object/gate.h"
#include "object/target.h"

struct cause;
struct object;
struct section;
struct socket_news;
struct task;

/* Why a call failed, as its caller sees it (API.md, section 4). */
struct failure {
    struct buf message; /* text */
    struct buf stack;   /* traceback of the callee; may be empty */
    struct buf table;   /* a raised table, encoded; else empty */
    const char *code;   /* static: "reset", "overloaded" ...; or NULL */
    bool retryable;     /* the runtime was the cause */
    bool is_local;      /* raised by the runtime on the caller's side */
    char object_id[OID_HEX + 1]; /* of the callee; "" for a router */
};

enum outcome_kind {
    OUTCOME_NONE,
    OUTCOME_RESPONSE,
    OUTCOME_VALUES,
    OUTCOME_FAILURE
};

/* What an event came to; owns what it holds. */
struct outcome {
    enum outcome_kind kind;
    struct response *response; /* RESPONSE */
    struct buf values;         /* VALUES: encoded one after another */
    uint32_t count;            /* VALUES: how many */
    struct targets targets;    /* VALUES: that they refer to */
    struct failure *failure;   /* FAILURE; NULL otherwise */
};

void outcome_fini(struct outcome *o);
/* Bytes of values, or of what is there of a body. */
size_t outcome_bytes(const struct outcome *o);
/* Make `o` (empty before) a failure by a printf format. */
void outcome_fail(struct outcome *o, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Make `o` a failure that has yet to be filled, and return that. */
struct failure *outcome_failed(struct outcome *o);

/* Where the outcome of an event goes.  `done` is called exactly once, on the
 * thread of the object, takes what it wants out of `o` and leaves the rest. */
struct reply {
    void (*done)(struct reply *r, struct outcome *o);
    /* Which call it is, wherever its event goes: a number of the caller's
     * realm, and that realm's host_arg.  0: none of an object's. */
    uint64_t number;
    const void *caller;
};

enum event_kind {
    EVENT_FETCH,  /* request -> response */
    EVENT_CALL,   /* method, args -> values */
    EVENT_INIT,   /* the object wakes */
    EVENT_SOCKET, /* a message, close or error of a WebSocket */
    EVENT_ALARM,  /* one of its alarms is due: object.firing has the rest */
    EVENT_TASK    /* a function of the object's own: spawn, waitUntil, timers */
};
enum { EVENT_KINDS = EVENT_TASK + 1 };

struct event {
    enum event_kind kind;
    struct list link;        /* mailbox, or the object's events under way */
    struct gate_item gate;   /* holds the finished event */
    struct reply *reply;     /* NULL: nobody waits */
    struct request *request; /* FETCH; a reference */
    /* The last small answer to a call that its handler made, a reference or
     * NULL, and what the bindings know it and `request` by: most handlers pass
     * on what they got. */
    struct response *lent;
    uint64_t lent_response, lent_request;
    uint64_t target; /* CALL: number of one of the object's targets; 0:
                        a method of its class */
    char *method;    /* CALL; owned, NUL-terminated; "" when the target
                        is a function */
    struct buf args; /* CALL: encoded values */
    uint32_t arg_count;
    struct targets targets; /* CALL: that the values refer to */
    struct outcome outcome;
    struct task *task;       /* NULL until it begins */
    struct section *section; /* it belongs to; NULL: none.  Held */
    uint64_t order;          /* when it came, or its task became ready */
    uint64_t began_ns;       /* monotonic time; 0: not yet */
    uint64_t deadline_ns; /* of what is done for it, of clock_mono_ns; 0: each
                             call has its own */
    struct cause *own;    /* of the tasks that it started; NULL: none */
    struct cause *from;   /* TASK: held; NULL: nobody's (cause.h) */
    struct oid oid;       /* of the object that gets it, for error messages */
    bool has_oid;         /* false: the router */
    bool is_let_in; /* one that began with an old version of the script waits
                       for it (chain.h) */
    void *script;   /* TASK: the bindings' side of it; not owned */
    struct socket_news *news; /* SOCKET; part of the event's memory */
    struct tap_cost *cost;    /* owned; NULL: nobody wants to know */
};

struct event *event_new(enum event_kind kind);
/* The same with `extra` bytes behind the struct, not cleared. */
struct event *event_new_with(enum event_kind kind, size_t extra);
/* Bytes of arguments, or of what is there of a body. */
size_t event_bytes(const struct event *e);
/* Free with all it owns; its task must be gone. */
void event_free(struct event *e);
/* Hand the outcome to the reply, if any, and free. */
void event_finish(struct event *e);
/* Make `e` failed: `code` is static. */
void event_fail(struct event *e, const char *code, const char *text,
                bool retryable);
/* What the gate calls for a finished event (gate_item.release). */
void event_release(struct gate_item *item, const struct error *failure);

#endif
