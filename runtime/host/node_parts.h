/*
 * node_parts.h - what workers see of their node.  All of it is constant while
 * workers run, or safe to use from any thread.
 */
#ifndef HOST_NODE_PARTS_H
#define HOST_NODE_PARTS_H

#include "host/node.h"
#include "host/worker.h"

struct roster;

const struct config *node_config(const struct node *n);
struct logger *node_logger(const struct node *n);
struct store *node_store(const struct node *n);
/* The version of the script that new workers begin with; borrowed. */
struct code *node_code(const struct node *n);
enum node_mode node_mode_of(const struct node *n);
/* It serves nobody but the command that started it. */
bool node_is_private(const struct node *n);
int node_worker_count(const struct node *n);
struct worker *node_worker_at(struct node *n, int index);
/* The worker on which object `id` lives. */
struct worker *node_worker_of(struct node *n, const struct oid *id);
/* The names of the classes that the script has. */
struct roster *node_roster(struct node *n);
/* A worker has nothing under way any more. */
void node_worker_drained(struct node *n);

#endif
