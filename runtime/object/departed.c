#include "object/departed.h"

#include <stdlib.h>

#include "base/mem.h"

void departed_fini(struct departed *d)
{
    free(d->ring);
    *d = (struct departed){0};
}

void departed_note(struct departed *d, const struct oid *id, uint64_t at_ns)
{
    if (at_ns == 0)
        return;
    if (d->ring == NULL)
        d->ring = mem_zalloc(DEPARTED_MAX * sizeof(*d->ring));
    d->ring[d->next] = (struct departed_entry){*id, at_ns};
    d->next = (d->next + 1) % DEPARTED_MAX;
}

uint64_t departed_find(const struct departed *d, const struct oid *id)
{
    if (d->ring == NULL)
        return 0;
    for (size_t i = 1; i <= DEPARTED_MAX; i++) {
        const struct departed_entry *e =
            &d->ring[(d->next + DEPARTED_MAX - i) % DEPARTED_MAX];

        if (e->at_ns == 0)
            return 0;
        if (oid_eq(&e->id, id))
            return e->at_ns;
    }
    return 0;
}
