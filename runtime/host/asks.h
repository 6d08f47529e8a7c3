/*
 * asks.h - how the console's script asks the node: mk.fetch there does not
 * lead to the network but to the questions of the command line (question.h).
 *
 *   console's script: POST http://node/ with a row as its body
 *     --> [thread] question --rows--> [bounded] --letter--> console's worker
 *     --> response, whose body is frames (frames.h), the last one "end"
 *
 * Cell `ask` of the row is a number by which "cancel" ends it before its end.
 * The node's other workers have other host_ops: no script of a user gets here.
 * A reader who is slow holds up the question, one who leaves ends it.
 */
#ifndef HOST_ASKS_H
#define HOST_ASKS_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "base/list.h"

struct ask;
struct fetch_call;
struct worker;

enum {
    ASKS_MAX = 64,               /* at a time; others are told so */
    ASKS_BYTES = 256 * 1024,     /* of rows that wait for their reader */
    ASKS_QUESTION_MAX = 1 << 20, /* bytes of a question */
};

/* Part of the console. */
struct asks {
    uv_mutex_t mutex; /* all below, and what threads and worker share */
    uv_cond_t room;   /* rows were taken, or are not wanted any more */
    uv_cond_t none;   /* no thread is left */
    struct list all;  /* struct ask, of those with a thread */
    size_t count;
    bool is_closing;
};

void asks_init(struct asks *a);
/* Give up every question, and wait until none is left; no new one begins.
 * The worker still runs. */
void asks_end(struct asks *a);
void asks_fini(struct asks *a);

/* host_ops.fetch and host_ops.cancel_fetch of the console's worker. */
void asks_begin(void *host, struct fetch_call *c);
void asks_cancel(void *host, struct fetch_call *c);
/* A letter of the question's thread: there are rows, or it is over. */
void asks_receive(struct ask *a);

#endif
