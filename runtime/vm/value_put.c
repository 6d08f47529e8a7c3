#include "vm/value_put.h"

#include <string.h>

enum { HEAD_MAX = 9 }; /* bytes before the contents of any value */

void value_put_be(char *p, uint64_t v, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--, v >>= 8)
        p[i] = (char)(v & 0xff);
}

static void put_head(struct buf *out, int tag, uint64_t v, int bytes)
{
    char *p = buf_room(out, HEAD_MAX);

    p[0] = (char)tag;
    value_put_be(p + 1, v, bytes);
    out->n += 1 + (size_t)bytes;
}

static void put_negative(struct buf *out, int64_t v)
{
    if (v >= -32)
        buf_add_byte(out, (int)v & 0xff);
    else if (v >= INT8_MIN)
        put_head(out, 0xd0, (uint64_t)v, 1);
    else if (v >= INT16_MIN)
        put_head(out, 0xd1, (uint64_t)v, 2);
    else if (v >= INT32_MIN)
        put_head(out, 0xd2, (uint64_t)v, 4);
    else
        put_head(out, 0xd3, (uint64_t)v, 8);
}

void value_put_integer(struct buf *out, int64_t v)
{
    if (v < 0)
        put_negative(out, v);
    else if (v < 128)
        buf_add_byte(out, (int)v);
    else if (v <= UINT8_MAX)
        put_head(out, 0xcc, (uint64_t)v, 1);
    else if (v <= UINT16_MAX)
        put_head(out, 0xcd, (uint64_t)v, 2);
    else if (v <= UINT32_MAX)
        put_head(out, 0xce, (uint64_t)v, 4);
    else
        put_head(out, 0xcf, (uint64_t)v, 8);
}

void value_put_float(struct buf *out, double v)
{
    uint64_t bits;

    memcpy(&bits, &v, sizeof(bits));
    put_head(out, 0xcb, bits, 8);
}

void value_put_string(struct buf *out, struct slice s)
{
    if (s.n < 32)
        buf_add_byte(out, 0xa0 | (int)s.n);
    else if (s.n <= UINT8_MAX)
        put_head(out, 0xd9, s.n, 1);
    else if (s.n <= UINT16_MAX)
        put_head(out, 0xda, s.n, 2);
    else
        put_head(out, 0xdb, s.n, 4);
    buf_add_slice(out, s);
}

void value_put_array(struct buf *out, uint32_t n)
{
    if (n < 16)
        buf_add_byte(out, 0x90 | (int)n);
    else if (n <= UINT16_MAX)
        put_head(out, 0xdc, n, 2);
    else
        put_head(out, 0xdd, n, 4);
}
