/*
 * node_parts.h - what workers see of their node.  All of it is constant while
 * workers run, or safe to use from any thread.
 */
#ifndef HOST_NODE_PARTS_H
#define HOST_NODE_PARTS_H

#include "base/disk.h"
#include "host/node.h"
#include "host/worker.h"

struct roster;
struct tails;

/* What a world has in place of the system's disk, clock, chance and network;
 * borrowed until node_fall. */
struct node_stage {
    struct disk *disk;
    const struct clock *clock;
    struct random *random;
    struct arena *arena; /* NULL: malloc's memory */
    uint32_t hash_seed;
    const struct host_ops *host; /* of its objects; the argument is a worker */
    void *world;
};

/*
 * Start a node of mode NODE_STILL, whose one worker does what
 * worker_still_run is called for.  `code`: the script as it was read before,
 * held; NULL: it is read.  Errors as node_start; nothing is left then.
 */
int node_stand(const struct config *config, struct logger *logger,
               const struct node_stage *stage, struct code *code,
               struct node **out, struct error *err);
enum node_fall {
    NODE_STOPS,  /* all is committed first */
    NODE_CRASHES /* what is not on the disk is lost */
};
/* The end of such a node; frees it. */
void node_fall(struct node *n, enum node_fall how);
const struct node_stage *node_stage(const struct node *n);

const struct config *node_config(const struct node *n);
struct logger *node_logger(const struct node *n);
struct store *node_store(const struct node *n);
const struct clock *node_clock(const struct node *n);
struct random *node_random(const struct node *n);
/* What objects ask of their host; the argument is their worker. */
const struct host_ops *node_host(const struct node *n);
/* The version of the script that new workers begin with; borrowed. */
struct code *node_code(const struct node *n);
enum node_mode node_mode_of(const struct node *n);
/* It serves nobody but the command that started it. */
bool node_is_private(const struct node *n);
int node_worker_count(const struct node *n);
struct worker *node_worker_at(struct node *n, int index);
/* It ends: what is in flight may finish, nothing else is wanted.  Any
 * thread. */
bool node_is_ending(const struct node *n);
/* The worker on which object `id` lives. */
struct worker *node_worker_of(struct node *n, const struct oid *id);
/* The names of the classes that the script has. */
struct roster *node_roster(struct node *n);
/* Who watches the node. */
struct tails *node_tails(struct node *n);
/* A worker has nothing under way any more. */
void node_worker_drained(struct node *n);

#endif
