#include "host/assets_cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/table.h"

struct assets_entry {
    struct assets_known known;
    struct buf bytes; /* owned */
    struct list link; /* of cache.recent */
    UT_hash_handle hh;
    char path[]; /* the key */
};

/* FNV-1a. */
unsigned assets_cache_hash(struct slice path)
{
    unsigned hash = 2166136261u;

    for (size_t i = 0; i < path.n; i++)
        hash = (hash ^ (unsigned char)path.p[i]) * 16777619u;
    return hash;
}

void assets_cache_init(struct assets_cache *c)
{
    *c = (struct assets_cache){0};
    list_init(&c->recent);
}

static void drop(struct assets_cache *c, struct assets_entry *e)
{
    HASH_DEL(c->table, e);
    list_unlink(&e->link);
    c->count--;
    c->bytes -= e->bytes.n;
    buf_fini(&e->bytes);
    free(e);
}

static void drop_down_to(struct assets_cache *c, size_t count, size_t bytes)
{
    while (c->count > count || c->bytes > bytes)
        drop(c, container_of(c->recent.next, struct assets_entry, link));
}

void assets_cache_fini(struct assets_cache *c)
{
    drop_down_to(c, 0, 0);
}

static struct assets_entry *find(struct assets_cache *c, struct slice path)
{
    struct assets_entry *e;

    HASH_FIND_BYHASHVALUE(hh, c->table, path.p, path.n, assets_cache_hash(path),
                          e);
    if (e != NULL) {
        list_unlink(&e->link);
        list_push(&c->recent, &e->link);
    }
    return e;
}

static struct assets_entry *add(struct assets_cache *c, struct slice path)
{
    struct assets_entry *e = mem_zalloc(sizeof(*e) + path.n);

    memcpy(e->path, path.p, path.n);
    HASH_ADD_BYHASHVALUE(hh, c->table, path, path.n, assets_cache_hash(path),
                         e);
    list_push(&c->recent, &e->link);
    c->count++;
    return e;
}

const struct assets_known *assets_cache_find(struct assets_cache *c,
                                             struct slice path)
{
    struct assets_entry *e = find(c, path);

    return e == NULL ? NULL : &e->known;
}

/* Take over the bytes of `found`, none but those of a small file. */
static void set_bytes(struct assets_cache *c, struct assets_entry *e,
                      struct assets_found *found)
{
    c->bytes -= e->bytes.n;
    buf_fini(&e->bytes);
    e->bytes = found->bytes;
    found->bytes = (struct buf){0};
    c->bytes += e->bytes.n;
}

void assets_cache_note(struct assets_cache *c, struct slice path,
                       struct assets_found *found, uint64_t now_ms)
{
    struct assets_entry *e = find(c, path);

    if (found->kind == ASSETS_SAME) {
        if (e != NULL)
            e->known.at_ms = now_ms;
        return;
    }
    if (found->kind == ASSETS_LARGE || found->kind == ASSETS_FAILED) {
        if (e != NULL)
            drop(c, e);
        return;
    }
    if (e == NULL)
        e = add(c, path);
    set_bytes(c, e, found);
    e->known = (struct assets_known){.kind = found->kind,
                                     .meta = found->meta,
                                     .at_ms = now_ms,
                                     .bytes = buf_slice(&e->bytes)};
    drop_down_to(c, ASSETS_CACHE_COUNT, ASSETS_CACHE_BYTES);
}
