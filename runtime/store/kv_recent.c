#include "store/kv_recent.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { SLOTS = 4, ROOM = 120 };

/* One entry; empty without a key. */
struct slot {
    uint8_t key_n, value_n;
    char bytes[ROOM]; /* of the key, of the value */
};

struct kv_recent {
    struct slot slots[SLOTS];
};

/* Keys that a turn uses together mostly differ in length or at their end. */
static size_t place_of(struct slice key)
{
    return (key.n + (unsigned char)key.p[key.n - 1]) % SLOTS;
}

static bool is_key(const struct slot *s, struct slice key)
{
    return s->key_n == key.n && memcmp(s->bytes, key.p, key.n) == 0;
}

bool kv_recent_find(const struct kv_recent *r, struct slice key,
                    struct slice *value)
{
    if (r == NULL || key.n == 0)
        return false;
    const struct slot *s = &r->slots[place_of(key)];

    if (!is_key(s, key))
        return false;
    *value = (struct slice){s->bytes + key.n, s->value_n};
    return true;
}

void kv_recent_set(struct kv_recent **r, struct slice key, struct slice value)
{
    if (key.n == 0 || key.n + value.n > ROOM) {
        kv_recent_drop(*r, key);
        return;
    }
    if (*r == NULL)
        *r = mem_zalloc(sizeof(**r));
    struct slot *s = &(*r)->slots[place_of(key)];

    s->key_n = (uint8_t)key.n;
    s->value_n = (uint8_t)value.n;
    memcpy(s->bytes, key.p, key.n);
    if (value.n != 0)
        memcpy(s->bytes + key.n, value.p, value.n);
}

void kv_recent_drop(struct kv_recent *r, struct slice key)
{
    if (r == NULL || key.n == 0)
        return;
    struct slot *s = &r->slots[place_of(key)];

    if (is_key(s, key))
        s->key_n = 0;
}

void kv_recent_forget(struct kv_recent **r)
{
    free(*r);
    *r = NULL;
}
