/*
 * warmer.h - files that will be opened soon are read by threads of their own,
 * so that the worker finds them in the system's memory and does not wait for
 * the disk.
 *
 *   worker: store_expect --> [queue] --threads--> read, and thrown away
 *
 * A hint, that may be dropped.  Nothing is done while files come fast anyway:
 * worker and threads note how long each took.
 */
#ifndef STORE_WARMER_H
#define STORE_WARMER_H

#include <stdint.h>

struct store;
struct warmer;

/* Threads are started when there is something to do. */
struct warmer *warmer_new(struct store *s);
/* End the threads; what is queued is dropped. */
void warmer_stop(struct warmer *w);
void warmer_free(struct warmer *w); /* stopped before; NULL is allowed */
/* Opening a file took the worker that long.  Any thread. */
void warmer_note(struct warmer *w, uint64_t ns);

#endif
