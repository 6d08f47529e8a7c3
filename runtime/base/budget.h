/*
 * budget.h - bytes that several things hold, and the most that they may hold
 * together.  On one thread.
 */
#ifndef BASE_BUDGET_H
#define BASE_BUDGET_H

#include <stdbool.h>
#include <stddef.h>

struct budget; /* opaque: budget.c */

/* One reference, the caller's. */
struct budget *budget_new(size_t most);
struct budget *budget_hold(struct budget *b);
void budget_drop(struct budget *b); /* NULL is allowed */

/* Whether `n` bytes more may be held; of any size where there are none yet. */
bool budget_fits(const struct budget *b, size_t n);
/* What held `before` bytes, counted already, holds `now`. */
void budget_change(struct budget *b, size_t before, size_t now);

#endif
