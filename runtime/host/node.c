#include "host/node.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/disk.h"
#include "base/mem.h"
#include "base/must.h"
#include "bindings/script.h"
#include "bindings/script_state.h"
#include "host/address.h"
#include "host/bridge.h"
#include "host/classes.h"
#include "host/console.h"
#include "host/control.h"
#include "host/data.h"
#include "host/node_parts.h"
#include "host/roster.h"
#include "host/tails.h"
#include "host/worker.h"
#include "host/worker_still.h"
#include "store/store.h"
#include "vm/code.h"

struct node {
    const struct config *config;
    enum node_mode mode;
    struct logger *logger;
    struct node_stage stage;
    struct disk *disk; /* owned; NULL: the stage's */
    struct store *store;
    struct code *code; /* NULL when offline */
    struct roster roster;
    struct tails tails;
    struct control *control; /* NULL: none */
    struct console *console; /* NULL: none */
    struct worker *workers;
    int worker_count;  /* those that were made */
    int running_count; /* those whose thread was started */
    atomic_bool is_ending;
    uv_mutex_t mutex; /* of drained_count */
    uv_cond_t drained;
    int drained_count;
};

/* ---- what workers see ---- */

const struct config *node_config(const struct node *n)
{
    return n->config;
}

struct logger *node_logger(const struct node *n)
{
    return n->logger;
}

struct store *node_store(const struct node *n)
{
    return n->store;
}

const struct clock *node_clock(const struct node *n)
{
    return n->stage.clock;
}

struct random *node_random(const struct node *n)
{
    return n->stage.random;
}

const struct host_ops *node_host(const struct node *n)
{
    return n->stage.host;
}

const struct node_stage *node_stage(const struct node *n)
{
    return &n->stage;
}

struct code *node_code(const struct node *n)
{
    return n->code;
}

enum node_mode node_mode_of(const struct node *n)
{
    return n->mode;
}

bool node_is_private(const struct node *n)
{
    return n->mode == NODE_OFFLINE || n->mode == NODE_PRIVATE;
}

bool node_is_ending(const struct node *n)
{
    return atomic_load(&n->is_ending);
}

int node_worker_count(const struct node *n)
{
    return n->worker_count;
}

struct worker *node_worker_at(struct node *n, int index)
{
    return &n->workers[index];
}

struct worker *node_worker_of(struct node *n, const struct oid *id)
{
    return &n->workers[oid_hash(id) % (uint64_t)n->worker_count];
}

struct roster *node_roster(struct node *n)
{
    return &n->roster;
}

struct tails *node_tails(struct node *n)
{
    return &n->tails;
}

void node_worker_drained(struct node *n)
{
    uv_mutex_lock(&n->mutex);
    n->drained_count++;
    uv_cond_signal(&n->drained);
    uv_mutex_unlock(&n->mutex);
}

/* ---- the script ---- */

/* List the script `*code`, which is read if it is NULL, and then held by the
 * caller. */
static int read_script(struct node *n, struct code **code,
                       struct script_listing *listing, struct error *err)
{
    int rc = *code == NULL ? script_code_new(n->config->main, code, err) : 0;

    *listing = (struct script_listing){0};
    if (rc != 0)
        return rc;
    rc = script_listing_of(*code, (uint64_t)n->config->limits.cpu_ms * 1000000,
                           listing, err);
    return rc != 0 ? rc : classes_fit(n->config, listing, err);
}

/* ---- start ---- */

static int load_script(struct node *n, struct error *err)
{
    struct script_listing listing;
    int rc = read_script(n, &n->code, &listing, err);

    if (rc == 0 && !node_is_private(n))
        rc = classes_settle(n->config, &listing, n->store, err);
    roster_set(&n->roster, &listing);
    script_listing_fini(&listing);
    return rc;
}

static int wanted_workers(const struct node *node)
{
    const struct config *c = node->config;

    if (node_is_private(node) || node->mode == NODE_STILL)
        return 1;
    int n = c->workers == 0 ? (int)uv_available_parallelism() : c->workers;

    return n < 1 ? 1 : n;
}

static int make_workers(struct node *n, struct error *err)
{
    int count = wanted_workers(n);
    char *address = mem_dup(n->config->listen, strlen(n->config->listen));
    int rc = 0;

    n->workers = mem_zalloc((size_t)count * sizeof(*n->workers));
    n->worker_count = count;
    for (int i = 0; i < count && rc == 0; i++) {
        rc = worker_init(&n->workers[i], n, i, address, err);
        if (rc != 0) {
            n->worker_count = i + 1;
            break;
        }
        free(address);
        /* "host:0" was asked for: all listen on the port of the first. */
        address = address_with_port(n->config->listen, node_port(n));
    }
    free(address);
    return rc;
}

/* The server does its work without it, too. */
static void open_control(struct node *n)
{
    struct error err;

    if (!node_is_private(n) &&
        control_start(n, n->config->data, &n->control, &err) != 0)
        logger_printf(n->logger, LOG_WARN,
                      "commands will not reach this server: %s", err.text);
}

static struct node *new_node(const struct config *config, enum node_mode mode,
                             struct logger *logger)
{
    struct node *n = mem_zalloc(sizeof(*n));

    n->config = config;
    n->mode = mode;
    n->logger = logger;
    MUST(uv_mutex_init(&n->mutex) == 0);
    MUST(uv_cond_init(&n->drained) == 0);
    roster_init(&n->roster);
    tails_init(&n->tails);
    return n;
}

int node_start(const struct config *config, enum node_mode mode,
               struct logger *logger, struct node **out, struct error *err)
{
    struct node *n = new_node(config, mode, logger);

    *out = NULL;
    n->stage = (struct node_stage){.clock = clock_system(),
                                   .random = random_system(),
                                   .host = &bridge_host_ops};
    int rc = data_open(config, logger, &n->disk, &n->store, err);
    if (rc == 0 && mode != NODE_OFFLINE)
        rc = load_script(n, err);
    if (rc == 0)
        rc = make_workers(n, err);
    for (int i = 0; i < n->worker_count; i++) {
        worker_start(&n->workers[i]);
        n->running_count++;
    }
    if (rc == 0 && config->admin != NULL && !node_is_private(n))
        rc = console_start(n, &n->console, err);
    if (rc != 0) {
        node_stop(n, NODE_ORDERLY);
        node_free(n);
        return rc;
    }
    census_log(n);
    open_control(n);
    *out = n;
    return 0;
}

int node_port(const struct node *n)
{
    const struct server *s = n->workers[0].server;

    return s == NULL ? 0 : server_port(s);
}

int node_admin_port(const struct node *n)
{
    return n->console == NULL ? 0 : console_port(n->console);
}

/* ---- reload ---- */

int node_reload(struct node *n, struct error *err)
{
    struct script_listing listing;
    struct code *code = NULL;
    int rc = read_script(n, &code, &listing, err);

    if (rc == 0)
        roster_set(&n->roster, &listing);
    script_listing_fini(&listing);
    if (rc != 0) {
        code_drop(code);
        return rc;
    }
    for (int i = 0; i < n->worker_count; i++) {
        struct letter *l = letter_new(LETTER_RELOAD, NULL);

        l->code = code_hold(code);
        worker_send(&n->workers[i], l);
    }
    code_drop(n->code);
    n->code = code;
    return 0;
}

void node_files(struct node *n, void (*each)(void *arg, const char *path),
                void *arg)
{
    code_files(n->code, each, arg);
}

/* ---- stop ---- */

static void post_all(struct node *n, enum letter_kind kind)
{
    for (int i = 0; i < n->running_count; i++)
        worker_send(&n->workers[i], letter_new(kind, NULL));
}

static void wait_drained(struct node *n)
{
    uint64_t left = (uint64_t)n->config->limits.drain_ms * 1000000;
    uint64_t end = clock_mono_ns(clock_system()) + left;

    uv_mutex_lock(&n->mutex);
    while (n->drained_count < n->running_count) {
        uint64_t now = clock_mono_ns(clock_system());

        if (now >= end)
            break;
        uv_cond_timedwait(&n->drained, &n->mutex, end - now);
    }
    uv_mutex_unlock(&n->mutex);
}

void node_stop(struct node *n, enum node_end how)
{
    atomic_store(&n->is_ending, true);
    if (n->running_count != 0) {
        post_all(n, LETTER_DRAIN);
        if (how == NODE_ORDERLY)
            wait_drained(n);
        control_stop(n->control); /* the workers still answer it */
        console_stop(n->console);
        n->control = NULL;
        n->console = NULL;
        post_all(n, LETTER_CLOSE);
    }
    for (int i = 0; i < n->running_count; i++)
        worker_join(&n->workers[i]);
    for (int i = 0; i < n->running_count; i++)
        worker_settle(&n->workers[i]);
    for (int i = 0; i < n->running_count; i++)
        worker_fini(&n->workers[i]);
    n->running_count = 0;
    store_close(n->store);
    n->store = NULL;
}

void node_free(struct node *n)
{
    if (n == NULL)
        return;
    code_drop(n->code);
    if (n->disk != NULL)
        n->disk->ops->free(n->disk);
    roster_fini(&n->roster);
    tails_fini(&n->tails);
    uv_cond_destroy(&n->drained);
    uv_mutex_destroy(&n->mutex);
    free(n->workers);
    free(n);
}

/* ---- the node of a world ---- */

int node_stand(const struct config *config, struct logger *logger,
               const struct node_stage *stage, struct code *code,
               struct node **out, struct error *err)
{
    struct node *n = new_node(config, NODE_STILL, logger);

    *out = NULL;
    n->stage = *stage;
    n->code = code_hold(code);
    int rc = data_open_on(config, logger, stage, &n->store, err);
    if (rc == 0)
        rc = load_script(n, err);
    if (rc == 0)
        rc = make_workers(n, err);
    if (rc == 0)
        *out = n;
    else
        node_fall(n, NODE_STOPS);
    return rc;
}

void node_fall(struct node *n, enum node_fall how)
{
    if (how == NODE_CRASHES)
        store_drop(n->store); /* its last client frees it */
    if (n->workers != NULL)
        worker_still_fini(&n->workers[0]);
    if (how == NODE_STOPS)
        store_close(n->store);
    node_free(n);
}
