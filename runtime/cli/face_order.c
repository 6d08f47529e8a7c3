#include "cli/face_order.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"

/* What begins at a byte: its head, then bytes, or values. */
struct item {
    size_t head;
    size_t bytes;  /* that follow the head */
    size_t values; /* that follow the head: of an array; of a map, two each */
    bool is_map;
};

static size_t number(const uint8_t *p, size_t bytes)
{
    size_t n = 0;

    for (size_t i = 0; i < bytes; i++)
        n = n << 8 | p[i];
    return n;
}

/* With the length in `bytes` behind the first byte, and `more` behind that. */
static struct item of_length(const uint8_t *p, size_t bytes, size_t more)
{
    return (struct item){.head = 1 + bytes,
                         .bytes = number(p + 1, bytes) + more};
}

static struct item of_table(size_t head, size_t count, bool is_map)
{
    return (struct item){
        .head = head, .values = is_map ? 2 * count : count, .is_map = is_map};
}

/* MessagePack's types from 0xc0 to 0xdf. */
static struct item read_typed(const uint8_t *p)
{
    static const uint8_t fixed[] = {
        [0xca - 0xca] = 4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 2, 3, 5, 9, 17};

    if (p[0] >= 0xca && p[0] <= 0xd8)
        return (struct item){.head = 1, .bytes = fixed[p[0] - 0xca]};
    switch (p[0]) {
    case 0xc4:
    case 0xc5:
    case 0xc6:
        return of_length(p, (size_t)1 << (p[0] - 0xc4), 0);
    case 0xc7:
    case 0xc8:
    case 0xc9:
        return of_length(p, (size_t)1 << (p[0] - 0xc7), 1);
    case 0xd9:
    case 0xda:
    case 0xdb:
        return of_length(p, (size_t)1 << (p[0] - 0xd9), 0);
    case 0xdc:
        return of_table(3, number(p + 1, 2), false);
    case 0xdd:
        return of_table(5, number(p + 1, 4), false);
    case 0xde:
        return of_table(3, number(p + 1, 2), true);
    case 0xdf:
        return of_table(5, number(p + 1, 4), true);
    default: /* nil, false, true */
        return (struct item){.head = 1};
    }
}

static struct item read_item(const uint8_t *p)
{
    if (p[0] < 0x80 || p[0] >= 0xe0)
        return (struct item){.head = 1};
    if (p[0] < 0x90)
        return of_table(1, p[0] & 0x0f, true);
    if (p[0] < 0xa0)
        return of_table(1, p[0] & 0x0f, false);
    if (p[0] < 0xc0)
        return (struct item){.head = 1, .bytes = p[0] & 0x1f};
    return read_typed(p);
}

static const uint8_t *skip(const uint8_t *p)
{
    size_t left = 1;

    while (left > 0) {
        struct item i = read_item(p);

        p += i.head + i.bytes;
        left += i.values - 1;
    }
    return p;
}

struct member {
    const uint8_t *key, *value;
};

static int by_key(const void *a, const void *b)
{
    const struct member *x = a;
    const struct member *y = b;
    size_t n = (size_t)(x->value - x->key);
    size_t m = (size_t)(y->value - y->key);
    int rc = memcmp(x->key, y->key, n < m ? n : m);

    return rc != 0 ? rc : (n > m) - (n < m);
}

static const uint8_t *add(struct buf *out, const uint8_t *p);

static const uint8_t *add_map(struct buf *out, const uint8_t *p, size_t count)
{
    struct member *all = mem_alloc((count + 1) * sizeof(*all));

    for (size_t i = 0; i < count; i++) {
        all[i].key = p;
        all[i].value = skip(p);
        p = skip(all[i].value);
    }
    if (count > 1)
        qsort(all, count, sizeof(*all), by_key);
    for (size_t i = 0; i < count; i++) {
        buf_add(out, all[i].key, (size_t)(all[i].value - all[i].key));
        add(out, all[i].value);
    }
    free(all);
    return p;
}

/* At most as deep as values are (VALUE_DEPTH_MAX). */
static const uint8_t *add(struct buf *out, const uint8_t *p)
{
    struct item i = read_item(p);

    buf_add(out, p, i.head + i.bytes);
    p += i.head + i.bytes;
    if (i.is_map)
        return add_map(out, p, i.values / 2);
    for (size_t n = 0; n < i.values; n++)
        p = add(out, p);
    return p;
}

void face_order(struct slice in, struct buf *out)
{
    const uint8_t *p = (const uint8_t *)in.p;
    const uint8_t *end = p + in.n;

    while (p < end)
        p = add(out, p);
    MUST(p == end);
}
