/*
 * worker_still.h - the worker of a world (world.h): the same objects, router
 * and letters, without thread and network, and with a loop for static files
 * alone.
 *
 *   worker_still_run: letters -> objects -> [worker_still_sync: disk] -> ...
 *
 * Nothing happens but within these calls.
 */
#ifndef HOST_WORKER_STILL_H
#define HOST_WORKER_STILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct worker;

/* The rest of worker_init. */
void worker_still_init(struct worker *w);
/* End its objects and let go of the store, which is there or was dropped; the
 * struct stays the caller's. */
void worker_still_fini(struct worker *w);

/* Call the timers that are due, open letters and run objects, at most `turns`
 * turns.  Returns whether there may be more to do. */
bool worker_still_run(struct worker *w, uint64_t turns);
/* Write and sync what was committed, and let out what waited for it.  Returns
 * whether there was anything. */
bool worker_still_sync(struct worker *w);
/* Wait for the thread pool, which looks at static files. */
void worker_still_files(struct worker *w);
/* Milliseconds from now to the next timer, rounded up; -1: none waits. */
int64_t worker_still_next_ms(struct worker *w);

#endif
