/*
 * hold.h - data that is copied while it may be in use (store/snapshot.h): by a
 * running server, which keeps its log for as long, or by nobody.
 *
 *   hold_data --> work(arg, hold): copies, hold_point, snapshot_apply
 */
#ifndef CLI_HOLD_H
#define CLI_HOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/oid.h"
#include "cli/ask.h"

struct hold {
    struct ask *ask;
    uint64_t oldest; /* segment of the log */
};

/* The answer to hold_point. */
struct hold_point {
    uint64_t number; /* of the last commit that counts */
    int64_t objects; /* in all */
    struct oid id;   /* of the object that was asked about */
};

/* Hold the data of `a` (after ask_configure) and call work(arg, hold) once.
 * Returns what that returned, or EXIT_FAILED after saying why. */
int hold_data(struct ask *a, int (*work)(void *arg, const struct hold *h),
              void *arg);
/* Everything up to now is in the log; with_object: and the object that `a`
 * names
 * (`id` as for ask_add_object) has storage.  0 or EXIT_FAILED after saying
 * why. */
enum hold_object { HOLD_ALL, HOLD_OBJECT };
int hold_point(const struct hold *h, enum hold_object which, const char *id,
               struct hold_point *out);
/* It was held all the time; else says so and returns EXIT_FAILED. */
int hold_check(const struct hold *h);

#endif
