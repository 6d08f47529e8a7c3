#include "store/kv_saved.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "store/kv_range.h"

static size_t size_of(const struct kv_entry *e)
{
    return sizeof(*e) + e->key.n + e->value.n;
}

/* Where the first entry at or after `key` is. */
static size_t find(const struct kv_saved *s, struct slice key)
{
    size_t low = s->first, high = s->end;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (kv_key_compare(s->v[mid]->key, key) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

bool kv_saved_has(const struct kv_saved *s, struct slice key)
{
    size_t at = find(s, key);

    return at < s->end && slice_eq(s->v[at]->key, key);
}

static struct kv_entry *copy(const struct kv_entry *e)
{
    struct kv_entry *c = mem_try(size_of(e));

    if (c == NULL)
        return NULL;
    char *bytes = (char *)(c + 1);
    *c = (struct kv_entry){
        .key = {bytes, e->key.n},
        .value = {bytes + e->key.n, e->value.n},
        .is_absent = e->is_absent,
    };
    memcpy(bytes, e->key.p, e->key.n);
    if (e->value.n != 0)
        memcpy(bytes + e->key.n, e->value.p, e->value.n);
    return c;
}

int kv_saved_add(struct kv_saved *s, const struct kv_entry *e)
{
    struct kv_entry *c = copy(e);

    if (c == NULL)
        return ERR_NOMEM;
    if (s->end == s->cap) {
        s->cap = s->cap == 0 ? 16 : 2 * s->cap;
        s->v = mem_realloc(s->v, s->cap * sizeof(struct kv_entry *));
    }
    size_t at = find(s, e->key);
    memmove(s->v + at + 1, s->v + at,
            (s->end - at) * sizeof(struct kv_entry *));
    s->v[at] = c;
    s->end++;
    s->bytes += size_of(c) + 2 * sizeof(void *);
    return 0;
}

const struct kv_entry *kv_saved_peek(const struct kv_saved *s, bool reverse)
{
    if (s->first == s->end)
        return NULL;
    return s->v[reverse ? s->end - 1 : s->first];
}

void kv_saved_drop(struct kv_saved *s, bool reverse)
{
    struct kv_entry *e = s->v[reverse ? --s->end : s->first++];

    s->bytes -= size_of(e) + 2 * sizeof(void *);
    free(e);
}

void kv_saved_fini(struct kv_saved *s)
{
    for (size_t i = s->first; i < s->end; i++)
        free(s->v[i]);
    free(s->v);
    *s = (struct kv_saved){0};
}
