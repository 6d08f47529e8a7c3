/*
 * gate.h - the output gate of one worker: what objects sent, held until the
 * commits it follows are on disk.
 *
 *   turn ends --gate_push(number)--> [FIFO by number] --gate_open--> release
 *
 * An item is embedded in what is held; it knows nothing of its object, so an
 * object may be gone while its last words wait here.
 */
#ifndef OBJECT_GATE_H
#define OBJECT_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"

struct gate_item {
    struct list link;
    uint64_t number; /* of the commit it waits for; set by gate_push */
    bool takes_all;  /* waits for unconfirmed writes too (storage:sync) */
    bool takes_none; /* waits for the end of its turn alone */
    /* Called once: `failure` is NULL, or why the commit it waited for (or the
     * turn it was sent in) came to nothing.  Frees the item if need be. */
    void (*release)(struct gate_item *item, const struct error *failure);
};

struct gate {
    struct list items; /* by number, first in first out among equal ones */
    uint64_t durable;  /* every commit up to this one is on disk */
};

void gate_init(struct gate *g);
/* Release `item` at once when `number` is durable, else hold it. */
void gate_push(struct gate *g, struct gate_item *item, uint64_t number);
/* Commits up to `durable` are on disk: release what waited for them. */
void gate_open(struct gate *g, uint64_t durable);
/* Commits above the durable number have failed: release all with `failure`. */
void gate_fail(struct gate *g, const struct error *failure);

#endif
