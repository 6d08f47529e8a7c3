#include "store/kv_range.h"

#include <string.h>

int kv_key_compare(struct slice a, struct slice b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n == 0 ? 0 : memcmp(a.p, b.p, n);

    if (c != 0)
        return c;
    return a.n < b.n ? -1 : a.n > b.n;
}

static void set(struct buf *b, struct slice s)
{
    b->n = 0;
    buf_add_slice(b, s);
}

/* Above every key: no key is that long. */
static void set_highest(struct buf *b)
{
    b->n = 0;
    memset(buf_room(b, KV_KEY_MAX + 1), 0xff, KV_KEY_MAX + 1);
    b->n = KV_KEY_MAX + 1;
}

/* Lower `high` to the first key after all that begin with `prefix`: the prefix
 * with its last byte that is not 0xff raised by one. */
static void cut_to_prefix(struct buf *high, struct slice prefix)
{
    size_t n = prefix.n;

    while (n > 0 && (unsigned char)prefix.p[n - 1] == 0xff)
        n--;
    if (n == 0)
        return;
    set(high, (struct slice){prefix.p, n});
    high->p[n - 1] = (char)((unsigned char)high->p[n - 1] + 1);
}

void kv_rest_init(struct kv_rest *r, const struct kv_range *range)
{
    *r = (struct kv_rest){0};
    set_highest(&r->high);
    if (range->prefix.p != NULL) {
        set(&r->low, range->prefix);
        cut_to_prefix(&r->high, range->prefix);
    }
    if (range->start.p != NULL) {
        struct buf start = {0};

        buf_add_slice(&start, range->start);
        if (range->start_is_excluded)
            buf_add_byte(&start, 0);
        if (kv_key_compare(buf_slice(&start), buf_slice(&r->low)) > 0)
            set(&r->low, buf_slice(&start));
        buf_fini(&start);
    }
    if (range->stop.p != NULL &&
        kv_key_compare(range->stop, buf_slice(&r->high)) < 0)
        set(&r->high, range->stop);
}

void kv_rest_fini(struct kv_rest *r)
{
    buf_fini(&r->low);
    buf_fini(&r->high);
}

bool kv_rest_has(const struct kv_rest *r, struct slice key)
{
    return kv_key_compare(key, buf_slice(&r->low)) >= 0 &&
           kv_key_compare(key, buf_slice(&r->high)) < 0;
}

bool kv_rest_is_empty(const struct kv_rest *r)
{
    return kv_key_compare(buf_slice(&r->low), buf_slice(&r->high)) >= 0;
}

void kv_rest_pass(struct kv_rest *r, struct slice key, bool reverse)
{
    if (reverse) {
        set(&r->high, key);
        return;
    }
    set(&r->low, key);
    buf_add_byte(&r->low, 0);
}
