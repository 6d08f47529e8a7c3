/*
 * departed.h - the objects that left memory last, and when they went to sleep:
 * for who asks since when one sleeps.
 *
 * A ring: the oldest is forgotten.  Zero-initialized is valid.  One thread.
 */
#ifndef OBJECT_DEPARTED_H
#define OBJECT_DEPARTED_H

#include <stddef.h>
#include <stdint.h>

#include "base/oid.h"

enum { DEPARTED_MAX = 1024 };

struct departed_entry {
    struct oid id;
    uint64_t at_ns; /* of clock_mono_ns; 0: none */
};

struct departed {
    struct departed_entry *ring; /* DEPARTED_MAX; owned; NULL: none yet */
    size_t next;
};

void departed_fini(struct departed *d);
/* `id` left; `at_ns` 0: it never was awake, which is not noted. */
void departed_note(struct departed *d, const struct oid *id, uint64_t at_ns);
/* When `id` went to sleep last; 0: not known. */
uint64_t departed_find(const struct departed *d, const struct oid *id);

#endif
