/*
 * errand.h - run a function on a worker's thread, between its turns, and wait
 * for it: how others look at what belongs to a worker.
 *
 *   control's thread: errand_run --letter--> worker: run(worker, arg)
 */
#ifndef HOST_ERRAND_H
#define HOST_ERRAND_H

#include <stdbool.h>

struct errand;
struct letter;
struct worker;

typedef void (*errand_cb)(struct worker *w, void *arg);

/* Returns false when the worker has ended and `run` was not called.  Blocks;
 * any thread but a worker's.  `run` is short: it holds up every object. */
bool errand_run(struct worker *w, errand_cb run, void *arg);
/* The worker's side: do what `l` asks for. */
void errand_receive(struct worker *w, struct letter *l);
/* It will not be run (letter_free).  NULL is allowed. */
void errand_drop(struct errand *e);

#endif
