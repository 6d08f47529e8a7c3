/*
 * due.h - which objects have an alarm in the near future: a heap by time, at
 * most one entry for each object.
 */
#ifndef OBJECT_DUE_H
#define OBJECT_DUE_H

#include <stddef.h>
#include <stdint.h>

#include "base/oid.h"
#include "base/slice.h"
#include "base/table.h"

struct object_class;

struct due {
    struct oid id;
    const struct object_class *cls;
    int64_t time;     /* of the wall clock, ms since the Unix epoch */
    unsigned trouble; /* times in a row that the runtime itself failed it */
    size_t at;        /* index in the heap */
    char *name; /* of the object; owned; NULL: it has none, or not known */
    size_t name_n;
    UT_hash_handle hh;
};

struct due_heap {
    struct due **heap; /* owned array of owned entries */
    size_t count, cap;
    struct due *by_id;
};

/* Memory of zeros is an empty heap. */
void due_fini(struct due_heap *h);
/* The entry of that object, or NULL. */
struct due *due_find(const struct due_heap *h, const struct oid *id);
/* The first one, or NULL. */
struct due *due_first(const struct due_heap *h);
/* The object is due at `time`, whatever was said before.  The entry is valid
 * until it is removed or trimmed. */
struct due *due_set(struct due_heap *h, const struct object_class *cls,
                    const struct oid *id, int64_t time);
/* The object's name (copied; empty: nothing is known), unless it has one. */
void due_name(struct due *d, struct slice name);
/* Free the entry. */
void due_remove(struct due_heap *h, struct due *d);
/* Keep the first `count`, in order of time and id; `*time` and `*id` become
 * those of the first that is dropped.  There are more than `count`. */
void due_trim(struct due_heap *h, size_t count, int64_t *time, struct oid *id);

#endif
