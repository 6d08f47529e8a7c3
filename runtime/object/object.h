/*
 * object.h - one object: its life, its mailbox, what is under way in it.
 *
 *   ASLEEP --event--> WAKING --init returned--> AWAKE --idle, reload--> ASLEEP
 *      ^                 |                        |
 *      +---- reset ------+------------------------+
 *
 * ASLEEP means that only this struct is there; with an empty mailbox that is
 * freed as well.  Owned by its realm.
 */
#ifndef OBJECT_OBJECT_H
#define OBJECT_OBJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"
#include "base/oid.h"
#include "base/slice.h"
#include "object/event.h"
#include "object/realm.h"
#include "object/section.h"

struct db;
struct firing;
struct recall;
struct sockets;
struct task;
struct vm;

enum object_state { OBJECT_ASLEEP, OBJECT_WAKING, OBJECT_AWAKE };

struct object {
    struct realm *realm;
    const struct object_class *cls; /* NULL: a router */
    struct oid id;
    char *name; /* owned; NULL: not known (yet) */
    size_t name_n;
    bool is_name_stored; /* the directory has it from its storage */
    enum object_state state;
    uint64_t version;    /* of the script that it runs */
    struct code *code;   /* that version; held while awake */
    struct vm *vm;       /* NULL while asleep */
    struct db *db;       /* NULL until its storage is first used */
    struct list mailbox; /* events that have not begun */
    size_t mailbox_n;
    struct list spawned; /* events of its own that have not begun */
    struct list events;  /* events under way */
    size_t events_n;
    struct list ready;      /* tasks whose wait is over */
    struct task *preempted; /* goes on before anything else */
    struct task *running;
    unsigned passed_over;    /* times that the mailbox had to wait */
    bool is_disk_failed;     /* the state is killed because the disk failed */
    struct list outbox;      /* gate items of the turn that runs */
    struct section *section; /* the innermost open one; held; or NULL */
    struct list sections;    /* waiting ones */
    bool has_let_in;         /* some of the mailbox may belong to a section */
    uint32_t keepalive;      /* timers and the like: not idle */
    struct timer patience;   /* after a reload */
    struct list targets;     /* functions and tables that others hold */
    size_t targets_n;        /* at most TARGETS_MAX; any: it is kept awake */
    size_t held;             /* references to targets that its state has */
    struct sockets *sockets; /* owned; NULL: none */
    struct firing *firing;   /* the alarm that is fired; owned; NULL: none */
    struct recall *recall;   /* it goes back to a bookmark, and stays ASLEEP;
                                owns itself; NULL: it does not */
    int64_t next_alarm;      /* as the scheduler was told; -1: nothing */
    bool woken_by_alarm;     /* and nothing else came: sleeps again at once */
    uint64_t gated; /* what output had to wait for when the database was
                       closed; counts while that is NULL */
    struct list run_link, idle_link, router_link;
    uint64_t idle_since_ns;
    uint64_t since_ns; /* when it woke, or lost its state; 0: neither yet */
    uint64_t handled;  /* events that ended */
    uint64_t sent;     /* bytes to peers of its sockets */
    uint64_t cpu_ns;   /* of the states before this one */
    void *script;      /* the bindings' data about this state */
    UT_hash_handle hh; /* realm.objects, by id */
};

/* Why an object is reset, as callers see it. */
struct object_reset {
    const char *code; /* static; NULL: "reset" */
    const char *text;
    bool retryable;
    bool is_logged;     /* whoever hears of it: past a limit, or constraints
                           were violated */
    bool queued_too;    /* events that have not begun fail as well */
    bool discard;       /* commits that are not durable are dropped */
    bool keeps_sockets; /* the hibernatable ones, with what they sent */
    bool is_deletion;   /* nobody is left to hear of its sockets and alarm */
};

struct object *object_new(struct realm *r, const struct object_class *cls,
                          const struct oid *id, struct slice name);
/* Drop all that is in memory and fail what is under way. */
void object_reset(struct object *o, const struct object_reset *why);
/* It has a state now: AWAKE, and counted. */
void object_woke(struct object *o);
/* It has had nothing to do for a while: give up memory that is quickly made
 * again (garbage, pages of the database). */
void object_rest(struct object *o);
/* Put to sleep; nothing is under way or waiting to be durable. */
void object_evict(struct object *o);
/* Put to sleep though timers may wait: for a new version of the script. */
void object_unload(struct object *o);
/* Asleep, empty and out of the run queue: free it.  Returns whether it did. */
bool object_free_if_done(struct object *o);
/* `code`, which storage failed with, is the object's own doing (its limits, its
 * constraints) and no fault of the runtime. */
bool object_is_own_fault(int code);
/* Nothing under way, nothing queued, no timer: may be evicted. */
bool object_is_idle(const struct object *o);
/* It was made for an older version of the script than the realm's. */
bool object_is_stale(const struct object *o);

/* Open the database on first use.  ERR_INVALID in a router. */
int object_open_db(struct object *o, struct db **out, struct error *err);
/* Its name, from storage if need be; empty when it has none. */
struct slice object_name(struct object *o);

/* Run an event of the object's own (EVENT_TASK; taken over) after the current
 * turn, in the section of the running task. */
void object_spawn(struct object *o, struct event *e);
/* Run `e` (EVENT_TASK; taken over) as a critical section inside that of the
 * running task.  ERR_TOO_BIG when nested more than 64 deep (`e` is freed). */
int object_block(struct object *o, struct event *e);
/* Stop and free an event of the object's own, begun or not; not the one that
 * runs.  Runs what its task has to close (task_cancel). */
void object_cancel(struct object *o, struct event *e);
/* The section of the running task, or NULL. */
struct section *object_running_section(const struct object *o);
/* The number of the commit that `item` has to wait for. */
uint64_t object_gate_number(const struct object *o,
                            const struct gate_item *item);
/* What is sent now may leave at once. */
bool object_has_nothing_to_wait_for(const struct object *o);
/* Hold `item` until what the running turn and earlier ones wrote is durable;
 * outside a turn, what earlier ones wrote. */
void object_send(struct object *o, struct gate_item *item);
/* Log at level error that `e` has failed with `text`, if it is an EVENT_SOCKET:
 * nobody else will ever hear of that. */
void object_log_socket(struct object *o, const struct event *e,
                       const char *text);
/* Something keeps the object in memory, or no longer. */
void object_keep(struct object *o);
void object_let_go(struct object *o);

#endif
