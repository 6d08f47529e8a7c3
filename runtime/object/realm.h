/*
 * realm.h - the objects of one worker and what they share: table, run queue,
 * idle list, gate, timers, store.
 *
 *   realm_deliver --> mailbox --> run queue --realm_run--> one turn of one
 *   object at a time, in order, until the queue is empty or time is up
 *
 * One thread.  The router is an object of the realm without class, id and
 * storage.
 */
#ifndef OBJECT_REALM_H
#define OBJECT_REALM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/list.h"
#include "base/oid.h"
#include "base/random.h"
#include "base/slice.h"
#include "base/table.h"
#include "object/departed.h"
#include "object/event.h"
#include "object/expiry.h"
#include "object/gate.h"
#include "object/port.h"
#include "object/scheduler.h"
#include "object/timer.h"
#include "store/store.h"

struct arena;
struct code;
struct event;
struct object;
struct socket_more;
struct socket_tag;
struct target;
struct watch;

/* A class of the script, known by its name; lives as long as its realm. */
struct object_class {
    char *name;        /* owned */
    uint8_t key[32];   /* ids are made with it */
    void *ids;         /* owned; names and their ids, for the bindings */
    uint64_t *awake;   /* owned; how many objects of it have a state */
    UT_hash_handle hh; /* realm.classes, by name */
};

struct realm_limits {
    uint64_t idle_ms;
    uint64_t mailbox; /* events that wait, per object */
    uint64_t fetches; /* that wait for an answer, per object; 0: no bound */
    size_t memory_bytes;
    uint64_t cpu_ns, slice_ns;
    uint64_t call_ns; /* that a call may take; 0: no bound */
};

struct realm_config {
    uv_loop_t *loop; /* NULL: whoever moves the clock calls timers_run */
    const struct clock *clock;
    struct random *random;
    struct store_client *store; /* borrowed */
    const struct script_ops *script;
    const struct host_ops *host;
    void *host_arg;
    struct realm_limits limits;
    struct code *code; /* held */
    struct slice vars; /* of the configuration, encoded; borrowed */
    /* Of the thread, borrowed; set before the first object is made.  NULL:
     * scripts are slower (vm/vm.h). */
    struct watch *watch;
    struct scheduler_config alarms;
    /* Of a world (vm/vm.h); NULL and 0: as usual. */
    struct arena *arena;
    uint32_t hash_seed;
};

/* What has happened so far, for metrics. */
struct realm_counters {
    uint64_t events[EVENT_KINDS], failed[EVENT_KINDS]; /* that ended */
    uint64_t turns, woken, resets;
    uint64_t overloaded;               /* events that found a full mailbox */
    uint64_t alarms_late, alarms_dead; /* begun a second after they were due;
                                          given up */
};

struct realm {
    struct realm_config config;
    struct object *objects;       /* hash by id */
    struct object_class *classes; /* hash by name */
    struct object *router;        /* of the current version of the script */
    struct list run_queue;        /* objects with something to do */
    struct list idle;    /* objects with nothing to do, longest first */
    struct list resting; /* the same, after they gave up spare memory */
    struct list routers; /* routers of older versions, not yet done */
    struct departed departed;
    struct gate gate;
    struct list chores; /* under way (chore.h) */
    struct timers timers;
    struct timer idle_timer;
    struct expiries expiries; /* of calls, and of requests to the router */
    struct scheduler scheduler;
    uint64_t version;         /* of the script; counts reloads */
    uint64_t reloaded_ns;     /* when it became the current one, and ... */
    uint64_t patience_end_ns; /* ... when what is left of older ones is reset */
    uint64_t order;           /* counts what comes to objects */
    struct realm_counters counters;
    uint64_t handled;            /* events that ended */
    bool is_tapped;              /* the host wants to know of each (tap.h) */
    uint64_t calls;              /* that its objects have made so far */
    struct socket_more *sockets; /* hash by number: those without connection */
    struct target *targets;      /* hash by number: its objects' own */
    uint64_t target_count;       /* made so far */
    struct socket_tag *tags;     /* hash by object and text */
    uint64_t socket_count;       /* made so far */
    size_t sockets_left;         /* with a peer */
    bool is_going_away;          /* sockets are told that the server ends */
    uint64_t now_ns; /* the system's clock when the last turn ended; 0: look */
    struct object *caller;  /* router that runs and may still call at once */
    struct object *calling; /* the same, between turn_begin_call and _end */
    bool is_closing;
};

void realm_init(struct realm *r, const struct realm_config *config);
/* Drop every object (what is not committed is lost) and close the timers;
 * `closed(arg)` when the loop has let go. */
void realm_close(struct realm *r, void (*closed)(void *arg), void *arg);

/* The class called `name`, made on first use. */
struct object_class *realm_class(struct realm *r, const char *name);
/* Free all classes; nothing of the realm may be used after but realm_class. */
void realm_drop_classes(struct realm *r);
/* The object if it is in memory, else NULL. */
struct object *realm_find(struct realm *r, const struct oid *id);
/* The object of that id, made if it is not in memory. */
struct object *realm_object(struct realm *r, const struct object_class *cls,
                            const struct oid *id, struct slice name);
/* Put `e` (taken over) into the object's mailbox; the object is made if it is
 * not in memory.  Past limits.mailbox, or 64 MiB, the event fails as
 * overloaded.  Runs no script code but within turn_begin_call. */
void realm_deliver(struct realm *r, const struct object_class *cls,
                   const struct oid *id, struct slice name, struct event *e);
/* The same to an object that is in memory, a router too; `e` knows its id. */
void realm_deliver_to(struct object *o, struct event *e);
/* The same to the router, however full its mailbox is. */
void realm_route(struct realm *r, struct event *e);
/* Take `e`, which was routed, back and free it, if it has not begun; its reply
 * is not called.  Returns whether it did. */
bool realm_unroute(struct realm *r, struct event *e);
/* Run turns until nothing is left or `budget_ns` has passed; of a virtual
 * clock, which stands still meanwhile, each turn takes one.  Returns whether
 * something is left. */
bool realm_run(struct realm *r, uint64_t budget_ns);
/* The store has something to report: open the gate, or reset what failed. */
void realm_poll_store(struct realm *r);
/*
 * Go over to a new version of the script: idle objects now, the others when
 * their events are done, at the latest after `patience_ms`.  Events that come
 * meanwhile wait, but for those that the others wait for; plain sockets are
 * closed with 1012.  Tasks that are left alone, and that nobody waits for, hold
 * up no event for longer than a second.
 */
void realm_reload(struct realm *r, struct code *code, uint64_t patience_ms);
/* Number of events under way or waiting in all objects, for draining. */
size_t realm_busy(const struct realm *r);
/* Give back what its tables, timers and store do not need any more; members
 * stay. */
void realm_trim(struct realm *r);
/* Nothing has happened for a while: the router gives up what it keeps for the
 * next request.  What it has been made of in the midst of a burst stands alone
 * among memory that is free again. */
void realm_rest(struct realm *r);
/* Evict every object that has nothing to do, whatever its idle time. */
void realm_evict_idle(struct realm *r);

/* Put `e` (taken over) into the mailbox of `o`, however full that is. */
void realm_push(struct object *o, struct event *e);
/* `o` has something to do: to the end of the run queue unless it is in it. */
void realm_schedule(struct realm *r, struct object *o);
/* Monotonic time, good enough for times of idleness. */
static inline uint64_t realm_now_ns(const struct realm *r)
{
    return r->now_ns != 0 && !r->config.clock->is_virtual
               ? r->now_ns
               : clock_mono_ns(r->config.clock);
}

#endif
