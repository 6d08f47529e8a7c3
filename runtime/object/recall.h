/*
 * recall.h - an object goes back to a bookmark before it wakes.
 *
 *   wake, armed --> SETTLING --durable--> READING --history_restore--> LASTING
 *        ^           what it wrote        (thread)                       |
 *        |           before                  |--nothing to go back to--. |
 *        |                                   v                         v v
 *        '--the first event fails-- the disk does not work <-- DISARMING
 *                                                             (thread) |
 *                                                wake, as always <-----'
 *
 * Meanwhile the object sleeps, and its mail waits.  Nothing runs in it before
 * the disk says that it will not go back once more.
 */
#ifndef OBJECT_RECALL_H
#define OBJECT_RECALL_H

#include <stdbool.h>
#include <stdint.h>

struct gate_item;
struct object;
struct object_class;
struct oid;
struct realm;

/* `o`, which sleeps, is about to wake.  Returns whether it has to go back
 * first; it is scheduled when that is over. */
bool recall_begin(struct object *o);
/* What the object is by commit `number`, the operator's doing, is what it
 * stays: if it is to go back to a bookmark, it is not any more.  `item` is
 * released when both are on disk, or have failed. */
void recall_forget(struct realm *r, const struct object_class *cls,
                   const struct oid *id, uint64_t number,
                   struct gate_item *item);
/* The realm closes; what is under way has no object any more. */
void recall_part(struct object *o);

#endif
