/*
 * node.h - a running Moonkeep: workers, store, script; what `dev` and `serve`
 * start and stop.
 *
 * Called from the main thread; workers have threads of their own.
 */
#ifndef HOST_NODE_H
#define HOST_NODE_H

#include <stdbool.h>

#include "base/err.h"
#include "base/logline.h"
#include "host/config.h"

struct node;

enum node_mode {
    NODE_DEV,
    NODE_SERVE,
    NODE_OFFLINE, /* the data alone, for commands: one worker; no script,
                     nobody is listened to, no alarm fires */
    NODE_PRIVATE, /* the same with the script, for a call */
    NODE_STILL    /* of a world (world.h): one worker, no thread, no network */
};

/* Open the data folder, load the script, start the workers, listen.  `config`
 * and `logger` are borrowed until node_free.  Returns 0 or ERR_* with a text
 * for the user (ERR_LUA: the script does not load; ERR_LOCKED, ERR_CORRUPT,
 * ERR_BUSY from below). */
int node_start(const struct config *config, enum node_mode mode,
               struct logger *logger, struct node **out, struct error *err);
/* The port it listens on; 0: none. */
int node_port(const struct node *n);
/* The port of the console; 0: none. */
int node_admin_port(const struct node *n);
/* Load the script anew: objects go over to it between events.  On an error in
 * it (ERR_LUA, `err` filled) everything goes on as it was. */
int node_reload(struct node *n, struct error *err);
/* Call each(arg, path) for every script file that was loaded. */
void node_files(struct node *n, void (*each)(void *arg, const char *path),
                void *arg);
enum node_end {
    NODE_ORDERLY, /* what is in flight may finish within limits.drain_ms */
    NODE_AT_ONCE
};

/* No new connections; what is in flight ends; then everything is committed and
 * closed.  Blocks. */
void node_stop(struct node *n, enum node_end how);
void node_free(struct node *n); /* after node_stop; NULL is allowed */

#endif
