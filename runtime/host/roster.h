/*
 * roster.h - the names of the script's classes, for threads that look after
 * the version of the script has changed.
 *
 * Any thread.
 */
#ifndef HOST_ROSTER_H
#define HOST_ROSTER_H

#include <uv.h>

struct script_listing;

struct roster {
    uv_mutex_t mutex;
    char **names; /* owned */
    size_t count;
};

void roster_init(struct roster *r);
void roster_fini(struct roster *r);
/* From now on it is the classes of `l`; copies. */
void roster_set(struct roster *r, const struct script_listing *l);
/* Call each(arg, name) for every one; stops at non-zero and returns that.
 * `each` must not look into the roster. */
int roster_each(struct roster *r, int (*each)(void *arg, const char *name),
                void *arg);

#endif
