/*
 * world_inside.h - what the files of a world know of each other.
 */
#ifndef HOST_WORLD_INSIDE_H
#define HOST_WORLD_INSIDE_H

#include "base/clock.h"
#include "base/disk.h"
#include "base/random.h"
#include "host/node_parts.h"
#include "host/world.h"
#include "vm/arena.h"

struct world {
    struct config config;
    struct host_ops host; /* of its objects */
    struct clock clock;
    struct random random;
    struct arena *arena; /* of all states */
    uint32_t hash_seed;
    struct disk *disk;
    struct logger *logger;
    struct node *node;   /* NULL: none, after a failure to start again */
    struct list calls;   /* world_call: those that were not dropped */
    struct list asks;    /* world_ask: that nobody has looked at yet */
    struct list asked;   /* ... and those that wait for their answer */
    struct list sockets; /* world_socket: that have their peer */
    uint64_t ask_count;
    struct target **targets; /* owned: by number, the home's references; NULL:
                                lost */
    size_t target_n, target_cap, targets_held;
    struct buf lost;   /* uint64_t: numbers of those that may be lost */
    struct list refs;  /* world_ref: that hold a target */
    bool is_dark;      /* the power is being cut: nobody hears of anything */
    bool fails_commit; /* the next of the object fail_id */
    struct oid fail_id;
    int64_t cut_at;   /* steps of the disk when the power fails; 0: never */
    int64_t flush_ms; /* when the log flushes what it acknowledged; 0: never */
    struct world_line *lines; /* owned: a ring of WORLD_LINES_MAX */
    size_t line_n, line_cap, dropped;
};

static inline struct worker *world_worker(struct world *w)
{
    return node_worker_at(w->node, 0);
}

/* The world that `host`, the argument of host_ops, belongs to. */
static inline struct world *world_of_host(void *host)
{
    return node_stage(((struct worker *)host)->node)->world;
}

/* world_ask.c: what objects ask of their host. */
void world_ask_ops(struct host_ops *out);
/* Everything fails: before the node falls. */
void world_asks_drop(struct world *w);
/* world_call.c: nothing refers to the node any more; before and after it falls.
 */
void world_calls_part(struct world *w);
/* The world itself goes. */
void world_calls_leave(struct world *w);
/* The answer of a call through the router is there, taken over; or the router
 * is to be asked for it. */
void world_call_answer(struct world_call *c, struct response *rs);
void world_call_route(struct world_call *c, struct request *rq);
/* world_assets.c: whether `rq`, then taken over, is for a static file, or may
 * be: then `c` is answered or routed. */
bool world_assets_ask(struct world *w, struct request *rq,
                      struct world_call *c);
/* world_target.c: the same, before; and after. */
void world_refs_drop(struct world *w);
void world_targets_drop(struct world *w);

#endif
