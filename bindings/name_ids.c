#include "bindings/name_ids.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "bindings/id.h"
#include "object/realm.h"

enum { FIRST = 256, MOST = 16384 };

/* One remembered name; an empty entry has no name. */
struct entry {
    uint8_t name_n;
    char name[NAME_IDS_LONGEST];
    struct oid oid;
};

/* object_class.ids: each name has one place, where the last one stays. */
struct name_ids {
    uint32_t cap;    /* a power of 2 */
    uint32_t missed; /* since it was made that large */
    struct entry at[];
};

uint32_t name_hash(struct slice name)
{
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < name.n; i++)
        h = (h ^ (unsigned char)name.p[i]) * 16777619u;
    return h;
}

static struct entry *place_of(struct name_ids *ids, struct slice name)
{
    return &ids->at[name_hash(name) & (ids->cap - 1)];
}

static struct name_ids *make(uint32_t cap)
{
    struct name_ids *ids = mem_zalloc(sizeof(*ids) + cap * sizeof(ids->at[0]));

    ids->cap = cap;
    return ids;
}

/* Many names came that it had no place for: make it twice as large. */
static struct name_ids *grow(struct name_ids *old)
{
    struct name_ids *ids = make(old->cap * 2);

    for (uint32_t i = 0; i < old->cap; i++) {
        const struct entry *e = &old->at[i];

        if (e->name_n != 0)
            *place_of(ids, (struct slice){e->name, e->name_n}) = *e;
    }
    free(old);
    return ids;
}

void name_id(struct object_class *c, struct slice name, struct oid *out)
{
    struct name_ids *ids = c->ids;

    if (name.n > NAME_IDS_LONGEST) {
        id_from_name(c->key, name, out);
        return;
    }
    if (ids == NULL)
        ids = c->ids = make(FIRST);
    if (ids->missed > ids->cap && ids->cap < MOST)
        ids = c->ids = grow(ids);
    struct entry *e = place_of(ids, name);

    if (e->name_n != name.n || memcmp(e->name, name.p, name.n) != 0) {
        ids->missed++;
        e->name_n = (uint8_t)name.n;
        memcpy(e->name, name.p, name.n);
        id_from_name(c->key, name, &e->oid);
    }
    *out = e->oid;
}
