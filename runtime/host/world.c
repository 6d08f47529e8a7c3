#include "host/world.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "host/roster.h"
#include "host/worker.h"
#include "host/worker_still.h"
#include "host/world_inside.h"
#include "host/world_socket.h"
#include "object/object.h"
#include "vm/code.h"

enum {
    ROUNDS_MAX = 100000, /* with the clock standing still */
    TURNS = 10,          /* of objects, in each */
    FLUSH_MS = 100,      /* of relaxed durability */
};

/* Monotonic time begins here: 0 means unknown to some. */
#define BEGIN_NS 1000000000u

/* ---- the log ---- */

static void line_fini(struct world_line *l)
{
    buf_fini(&l->message);
    buf_fini(&l->class_name);
    buf_fini(&l->name);
    buf_fini(&l->id);
    buf_fini(&l->fields);
    buf_fini(&l->trace);
}

/* Half of them go at once, so that a line costs the same on average. */
static struct world_line *room_for_line(struct world *w)
{
    const size_t half = WORLD_LINES_MAX / 2;

    if (w->line_n == WORLD_LINES_MAX) {
        for (size_t i = 0; i < half; i++)
            line_fini(&w->lines[i]);
        memmove(w->lines, w->lines + half, half * sizeof(*w->lines));
        w->line_n -= half;
        w->dropped += half;
    }
    if (w->line_n == w->line_cap) {
        w->line_cap = w->line_cap == 0 ? 16 : 2 * w->line_cap;
        w->lines = mem_realloc(w->lines, w->line_cap * sizeof(*w->lines));
    }
    return &w->lines[w->line_n++];
}

static void take_line(void *arg, const struct log_line *line)
{
    struct world *w = arg;
    struct world_line *l = room_for_line(w);

    *l = (struct world_line){.time = clock_wall_ms(&w->clock),
                             .level = line->level};
    buf_add_slice(&l->message, line->message);
    buf_add_slice(&l->class_name, line->class_name);
    buf_add_slice(&l->name, line->name);
    buf_add_slice(&l->id, line->id);
    buf_add_slice(&l->fields, line->fields);
    buf_add_slice(&l->trace, line->trace);
}

const struct world_line *world_lines(const struct world *w, size_t *count,
                                     size_t *dropped)
{
    *count = w->line_n;
    *dropped = w->dropped;
    return w->lines;
}

/* ---- life ---- */

static int stand(struct world *w, struct code *code, struct error *err)
{
    const struct node_stage stage = {.disk = w->disk,
                                     .clock = &w->clock,
                                     .random = &w->random,
                                     .arena = w->arena,
                                     .hash_seed = w->hash_seed,
                                     .host = &w->host,
                                     .world = w};

    w->flush_ms = 0;
    return node_stand(&w->config, w->logger, &stage, code, &w->node, err);
}

static void set_stage(struct world *w, const struct world_config *config)
{
    clock_init_virtual(&w->clock, config->now_ms);
    w->clock.mono_ns = BEGIN_NS;
    random_init_seeded(&w->random, config->seed);
    w->disk = disk_sim_new(random_u64(&w->random));
    w->hash_seed = (uint32_t)random_u64(&w->random) | 1;
    w->arena = arena_new();
    w->logger = logger_new_taken(LOG_DEBUG, take_line, w);
    world_ask_ops(&w->host);
    list_init(&w->refs);
    list_init(&w->calls);
    list_init(&w->asks);
    list_init(&w->asked);
    list_init(&w->sockets);
}

static bool may_delete(const char *class_name)
{
    (void)class_name;
    return true;
}

int world_start(const struct world_config *config, struct world **out,
                struct error *err)
{
    struct world *w = mem_zalloc(sizeof(*w));

    *out = NULL;
    set_stage(w, config);
    int rc = config_load_over(config->target, config->file, config->settings,
                              &w->config, err);
    w->config.may_delete = may_delete;
    if (rc == 0)
        rc = stand(w, NULL, err);
    if (rc == 0)
        *out = w;
    else
        world_stop(w);
    return rc;
}

static void fall(struct world *w)
{
    struct node *n = w->node;

    w->is_dark = true;
    if (n != NULL) {
        world_asks_drop(w);
        world_refs_drop(w);
        world_calls_part(w);
        node_fall(n, NODE_CRASHES);
        world_calls_part(w);
    }
    w->node = NULL;
    w->is_dark = false;
    MUST(list_empty(&w->sockets));
    world_targets_drop(w);
}

void world_stop(struct world *w)
{
    if (w == NULL)
        return;
    /* Nobody will look at its disk: what is in memory need not go there. */
    fall(w);
    world_calls_leave(w);
    for (size_t i = 0; i < w->line_n; i++)
        line_fini(&w->lines[i]);
    free(w->lines);
    w->disk->ops->free(w->disk);
    logger_free(w->logger);
    arena_free(w->arena);
    config_fini(&w->config);
    free(w);
}

int world_crash(struct world *w, struct error *err)
{
    struct code *code = code_hold(node_code(w->node));

    fall(w);
    disk_sim_restart(w->disk);
    w->cut_at = 0;
    int rc = stand(w, code, err);

    code_drop(code);
    return rc;
}

int world_reload(struct world *w, struct error *err)
{
    return node_reload(w->node, err);
}

void world_cut_after(struct world *w, int64_t n)
{
    disk_sim_crash_after(w->disk, n);
    w->cut_at = n == 0 ? 0 : disk_sim_steps(w->disk) + n;
}

static bool is_cut(const struct world *w)
{
    return w->cut_at != 0 && disk_sim_steps(w->disk) >= w->cut_at;
}

bool world_is_gone(const struct world *w)
{
    return w->node == NULL;
}

bool world_is_down(const struct world *w)
{
    return w->node == NULL || is_cut(w);
}

void world_fail_commit(struct world *w, const struct oid *id)
{
    w->fails_commit = true;
    w->fail_id = *id;
}

/* ---- what happens ---- */

/* Arm the disk's failure if a commit of the object, which may sleep again by
 * now, is about to go there. */
static void fail_commit(struct world *w)
{
    struct realm *r = world_realm(w);
    uint64_t number = store_commit_of(r->config.store, &w->fail_id);

    if (number <= r->gate.durable)
        return;
    w->fails_commit = false;
    disk_sim_fail_sync(w->disk);
}

/* Returns whether anything went to the disk. */
static bool sync_disk(struct world *w)
{
    if (w->fails_commit)
        fail_commit(w);
    int n = store_pump(node_store(w->node));

    if (is_cut(w))
        return true; /* and nobody hears of it */
    realm_poll_store(world_realm(w));
    if (n > 0 && w->config.relaxed && w->flush_ms == 0)
        w->flush_ms = world_now_ms(w) + FLUSH_MS;
    return n != 0;
}

static bool has_asks(const struct world *w)
{
    return !list_empty(&w->asks);
}

enum world_news world_run(struct world *w, const bool *done)
{
    bool is_synced = false;

    for (int i = 0; i < ROUNDS_MAX; i++) {
        if (world_is_down(w))
            return WORLD_DOWN;
        world_sockets_run(w);
        worker_still_files(world_worker(w));
        bool has_more = worker_still_run(world_worker(w), TURNS);

        if (is_cut(w))
            return WORLD_DOWN; /* what came after it is nobody's to hear */
        if (done != NULL && *done)
            return WORLD_DONE;
        if (has_asks(w))
            return WORLD_ASKS;
        if (has_more || world_sockets_wait(w))
            continue;
        if (is_synced)
            return WORLD_QUIET;
        is_synced = !sync_disk(w);
        if (done != NULL && *done)
            return WORLD_DONE;
    }
    return WORLD_RESTLESS;
}

int64_t world_now_ms(const struct world *w)
{
    return clock_wall_ms(&w->clock);
}

int64_t world_next_ms(struct world *w)
{
    int64_t next = worker_still_next_ms(world_worker(w));
    int64_t flush = w->flush_ms - world_now_ms(w);

    return w->flush_ms != 0 && (next < 0 || flush < next) ? flush : next;
}

bool world_step(struct world *w, int64_t until_ms)
{
    int64_t left = until_ms - world_now_ms(w);
    int64_t next = world_next_ms(w);
    bool is_due = next >= 0 && next <= left;

    clock_advance(&w->clock, is_due ? next : left);
    if (w->flush_ms != 0 && w->flush_ms <= world_now_ms(w)) {
        w->flush_ms = 0;
        sync_disk(w);
    }
    return is_due;
}

/* ---- looking around ---- */

const struct config *world_config(const struct world *w)
{
    return &w->config;
}

int world_classes(struct world *w, int (*each)(void *arg, const char *name),
                  void *arg)
{
    return roster_each(node_roster(w->node), each, arg);
}

static int is_same(void *arg, const char *name)
{
    return strcmp(arg, name) == 0;
}

bool world_has_class(struct world *w, const char *name)
{
    return world_classes(w, is_same, (char *)(uintptr_t)name) != 0;
}

struct realm *world_realm(struct world *w)
{
    return &world_worker(w)->realm;
}

const uint8_t *world_class_key(struct world *w, const char *name)
{
    return realm_class(world_realm(w), name)->key;
}

struct random *world_random(struct world *w)
{
    return &w->random;
}
