/*
 * port.h - what objects ask of the floors above: a script to run (bindings
 * supply it) and a host that routes calls and takes log lines.
 */
#ifndef OBJECT_PORT_H
#define OBJECT_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/logline.h"
#include "base/oid.h"
#include "base/slice.h"

struct buf;
struct chase;
struct event;
struct lua_State;
struct object;
struct object_class;
struct packet;
struct realm;
struct request;
struct response;
struct socket;
struct tap_cost;
struct target;
struct task;
struct ticket;
struct wait;

/* What a task waits for: another event of its object, or a call. */
struct waited {
    struct event *event; /* NULL: a call */
    struct wait *call;   /* for fail_call; NULL in what is no call */
    bool has_left;       /* it has: the rest is known */
    uint64_t number;     /* of its reply (event.h) */
    /* Where it went; borrowed. */
    struct oid oid;
    const struct target *target; /* NULL: to the object */
};

/* The script's side of an object. */
struct script_ops {
    /* Make `o->vm` with libraries, script and instance, without running init.
     * Returns 0, or ERR_* with `*err` filled and no vm left. */
    int (*open)(struct object *o, struct error *err);
    /* The class of `o` has an init handler. */
    bool (*has_init)(struct object *o);
    /* ... an alarm handler. */
    bool (*has_alarm)(struct object *o);
    /* A statement of `o` (the argument) has run a few thousand steps: non-zero
     * breaks it off (struct db_config). */
    int (*progress)(void *o);
    /* The C function that a task of `e` starts with; `e` is its argument. */
    int (*entry)(struct lua_State *L);
    /* `t` ended DONE or FAILED: fill e->outcome from its stack.  Called even
     * when nobody waits for it (then errors are logged). */
    void (*finish)(struct task *t, struct event *e);
    /* Something came into the inbox of a plain socket (socket_receive): the
     * task that waits for it, if any, becomes ready.  Runs no script code. */
    void (*socket_ready)(struct socket *s);
    /* Add to `out` a struct waited for each call and each event of `o` that
     * the task of `e` waits for; what else it waits for comes by itself. */
    void (*waits)(struct object *o, struct event *e, struct buf *out);
    /* The call that a task waits for fails at once, whatever comes of it. */
    void (*fail_call)(struct wait *call, const char *code, const char *text);
    /* Nobody but `o` refers any more to its target of that number (target.h):
     * the value may go.  Runs no script code. */
    void (*forget)(struct object *o, uint64_t number);
    /* Call each(arg, due, every) for the timers of `o` that wait: when the
     * next time is, of clock_mono_ns, and the period in ms or 0. */
    void (*timers)(const struct object *o,
                   void (*each)(void *arg, uint64_t due_ns, uint64_t every_ms),
                   void *arg);
    /* What an EVENT_TASK is, in a word; static. */
    const char *(*task_name)(const struct event *e);
};

/* What is at the other end of a socket.  None of these calls back into the
 * socket before it returns. */
struct peer_ops {
    /* Takes a reference of its own if it needs `p` longer. */
    void (*send)(void *peer, struct packet *p);
    /* Send a close frame (`code` 1005: an empty one), the last that is sent;
     * socket_on_gone follows when the peer has answered or time is up. */
    void (*close)(void *peer, int code, struct slice reason);
    /* End it without a word (the other side sees 1006).  `peer` must not be
     * used afterwards, nothing more comes from it. */
    void (*cut)(void *peer);
    /* Messages are wanted, or not for now. */
    void (*want)(void *peer, bool is_wanted);
    /* The peer is a connection: socket_find does not give the socket. */
    bool is_connection;
};

/* A connection to be made (mk.WebSocket). */
struct connect {
    struct request *request; /* GET of the http or https url, with the script's
                                own fields; owned by the host from the call */
    /* Called exactly once; `failure` is NULL when the socket has its peer. */
    void (*done)(struct connect *c, const struct error *failure);
};

enum fetch_call_redirect {
    FETCH_CALL_FOLLOW,
    FETCH_CALL_MANUAL, /* a redirect is a response as any other */
    FETCH_CALL_FAIL,
};

/* A request to elsewhere (mk.fetch); its memory is the caller's, and valid
 * until done or cancelled. */
struct fetch_call {
    struct request *request; /* of an http or https url; owned by the host from
                                the call */
    uint64_t timeout_ms;     /* for the head, then for each piece of the body */
    enum fetch_call_redirect redirect;
    void *flight; /* the host's own */
    /* Called exactly once unless cancelled, never from within the call: with
     * a response (taken over) and NULL, or with NULL and what failed. */
    void (*done)(struct fetch_call *c, struct response *rs,
                 const struct error *failure);
};

/* The host's side. */
struct host_ops {
    /* Deliver `e` (FETCH or CALL; taken over, its reply will be called on this
     * thread) to the object, on whatever worker it lives.  `name` is borrowed
     * and empty when unknown. */
    void (*call)(void *host, const struct object_class *cls,
                 const struct oid *id, struct slice name, struct event *e);
    /* The same to the home of `t` (borrowed), on whatever worker: `e` is a
     * CALL. */
    void (*call_target)(void *host, const struct target *t, struct event *e);
    /* Call chain_arrive with `c` (taken over) on the worker that it is for
     * (chain.h).  NULL: there is one worker. */
    void (*chase)(void *host, struct chase *c);
    /* Nobody but its home refers to the target `number` of realm `host`: any
     * thread, in the midst of anything; must call target_lost later. */
    void (*target_lost)(void *host, uint64_t number);
    /* One log line about `o` (NULL: about none). */
    void (*log)(void *host, struct object *o, enum log_level level,
                struct slice message, struct slice fields, struct slice trace);
    /* `e`, of `o`, is over, with its outcome; only while the realm is tapped
     * (tap.h).  Changes nothing. */
    void (*event_over)(void *host, struct object *o, const struct event *e,
                       const struct tap_cost *cost);
    /* The unique key that ids of class `name` are made with, to `*key`. */
    void (*class_key)(void *host, const char *name, uint8_t key[32]);
    /* A ticket for the end opposite to `s`, to travel in a response. */
    struct ticket *(*ticket)(void *host, struct socket *s);
    /* Couple `s` with the socket that `t` (taken over) names, on whatever
     * worker: each becomes the other's peer. */
    void (*couple)(void *host, struct socket *s, struct ticket *t);
    /* Connect `s` to a server; `c` stays the caller's and valid until done. */
    void (*connect)(void *host, struct socket *s, struct connect *c);
    /* Send a request to elsewhere. */
    void (*fetch)(void *host, struct fetch_call *c);
    /* Give it up; not after done: then abandon the response's body. */
    void (*cancel_fetch)(void *host, struct fetch_call *c);
};

#endif
