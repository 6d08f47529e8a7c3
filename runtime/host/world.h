/*
 * world.h - a whole Moonkeep in memory, for tests of scripts: one thread, a
 * simulated disk, a clock that stands still until it is moved, chance from a
 * seed, no network.
 *
 *   world_call, world_fetch ... --> world_run (objects, disk) --> outcome
 *                                     world_step (the clock, to a timer) <-'
 *
 * Nothing happens but within these calls, and what happens depends on them, the
 * script and the seed alone.  Several worlds may live beside each other, each
 * used by one thread.
 */
#ifndef HOST_WORLD_H
#define HOST_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/logline.h"
#include "base/oid.h"
#include "base/slice.h"
#include "host/config.h"
#include "host/patience.h"
#include "object/event.h"

struct realm;
struct store_client;
struct world;

enum {
    WORLD_LINES_MAX = 100000, /* of the log; then the oldest are dropped */
};

struct world_config {
    const char *target;    /* as config_load; NULL: the current folder */
    const char *file;      /* the same */
    struct slice settings; /* to stand over those of the file: as config_load */
    uint64_t seed;
    int64_t now_ms; /* since the Unix epoch */
};

/* Returns 0 or ERR_* with a text, as node_start. */
int world_start(const struct world_config *config, struct world **out,
                struct error *err);
/* What is under way fails.  NULL is allowed. */
void world_stop(struct world *w);
/* The power is cut: objects and sockets are gone, and what was not synced is
 * lost or torn, as the seed decides; then all starts again on what is left of
 * the disk.  On failure world_is_gone, and nothing but world_stop may be
 * called.
 */
int world_crash(struct world *w, struct error *err);
/* Let the power fail with the `n`-th write or sync of the disk from now (1: the
 * next; 0: never): from there on nothing is written, and the caller has to call
 * world_crash as soon as world_is_down says so. */
void world_cut_after(struct world *w, int64_t n);
bool world_is_down(const struct world *w);
bool world_is_gone(const struct world *w);
/* Let the next sync of the disk that has a commit of the object in it fail. */
void world_fail_commit(struct world *w, const struct oid *id);
/* Read the script anew, as dev does when a file has changed.  ERR_LUA: it does
 * not load, and the old one goes on. */
int world_reload(struct world *w, struct error *err);

/* ---- what happens ---- */

enum world_news {
    WORLD_DONE,     /* `*done` is true */
    WORLD_QUIET,    /* nothing is left to do until the clock moves */
    WORLD_ASKS,     /* somebody has to be answered: world_ask */
    WORLD_DOWN,     /* the power is cut (world_cut_after) */
    WORLD_RESTLESS, /* very much happened and no end is in sight */
};

/* Let objects run, and the disk, until there is news. */
enum world_news world_run(struct world *w, const bool *done);
/* Move the clock to the next moment at which something is due, but not past
 * `until_ms`.  Returns whether something is due now; else it is `until_ms`. */
bool world_step(struct world *w, int64_t until_ms);
int64_t world_now_ms(const struct world *w);
/* Milliseconds to the next timer or flush of the log; -1: there is none. */
int64_t world_next_ms(struct world *w);

/* ---- calls and requests ---- */

/* Something that was asked of an object or the router; the caller's until
 * world_call_drop, also beyond world_stop. */
struct world_call {
    struct reply reply;
    struct list link;    /* world.calls */
    struct world *world; /* not to be used once it is over */
    bool is_over;
    bool is_dropped;          /* nobody waits for it */
    bool is_bodiless;         /* a HEAD */
    struct patience patience; /* of a request to the router */
    struct outcome outcome;   /* once over */
};

/* Send `e` (CALL or FETCH; taken over) to the object.  `name` is empty when it
 * is not known. */
struct world_call *world_call(struct world *w, const char *class_name,
                              const struct oid *id, struct slice name,
                              struct event *e);
/* The same to a function or table that `t` (borrowed) refers to. */
struct world_call *world_call_target(struct world *w, const struct target *t,
                                     struct event *e);
/* Send a request (taken over) through the router; the outcome is a response,
 * also where the router failed. */
struct world_call *world_fetch(struct world *w, struct request *rq);
/* Let go of what its outcome refers to in the world: functions by reference,
 * the end of a WebSocket. */
void world_call_part(struct world_call *c);
/* Nobody waits for it any more; what is under way goes on. */
void world_call_drop(struct world_call *c);

/* ---- looking around ---- */

struct world_line {
    int64_t time;
    enum log_level level;
    /* All owned by the world. */
    struct buf message, class_name, name, id, fields, trace;
};

/* Lines of the log, oldest first; of all that there were the first `*dropped`
 * are gone. */
const struct world_line *world_lines(const struct world *w, size_t *count,
                                     size_t *dropped);
const struct config *world_config(const struct world *w);
/* Call each(arg, name) for every class of the script; stops at non-zero and
 * returns that. */
int world_classes(struct world *w, int (*each)(void *arg, const char *name),
                  void *arg);
bool world_has_class(struct world *w, const char *name);
/* Its objects; borrowed until the next crash. */
struct realm *world_realm(struct world *w);
struct random *world_random(struct world *w);
/* The key that ids of the class are made with. */
const uint8_t *world_class_key(struct world *w, const char *name);

#endif
