#include "vm/value_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "vm/value.h"

enum outcome { OUTCOME_GOOD, OUTCOME_DAMAGED, OUTCOME_FULL };

struct reader {
    struct slice in; /* what is left */
    struct buf *out;
    size_t end; /* past this length of `out` it is cut */
    value_text_cb ext;
    bool is_json; /* to the letter */
    int depth;
};

static enum outcome print(struct reader *r);

static bool take(struct reader *r, uint64_t n, struct slice *out)
{
    if (n > r->in.n)
        return false;
    *out = (struct slice){r->in.p, (size_t)n};
    r->in = (struct slice){r->in.p + n, r->in.n - (size_t)n};
    return true;
}

static bool take_be(struct reader *r, int bytes, uint64_t *out)
{
    struct slice at;

    *out = 0;
    if (!take(r, (uint64_t)bytes, &at))
        return false;
    for (size_t i = 0; i < at.n; i++)
        *out = *out << 8 | (unsigned char)at.p[i];
    return true;
}

static enum outcome cut(struct reader *r)
{
    buf_add_text(r->out, "\u2026");
    return OUTCOME_FULL;
}

/* ---- scalars ---- */

static void print_json_character(struct buf *out, struct slice s, size_t size)
{
    unsigned char c = (unsigned char)s.p[0];

    if (c < 0x20)
        buf_printf(out, "\\u%04x", c);
    else if (size == 0)
        buf_printf(out, "\\\\x%02x", c);
    else
        buf_add(out, s.p, size);
}

static void print_character(const struct reader *r, struct slice s, size_t size)
{
    struct buf *out = r->out;
    char c = s.p[0];

    if (size != 0 && (c == '"' || c == '\\'))
        buf_printf(out, "\\%c", c);
    else if (c == '\n' || c == '\t' || c == '\r')
        buf_add_text(out, c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\r");
    else if (r->is_json)
        print_json_character(out, s, size);
    else
        text_add_escaped(out, (struct slice){s.p, size == 0 ? 1 : size},
                         TEXT_PRINTABLE);
}

static enum outcome print_quoted(struct reader *r, struct slice s)
{
    buf_add_byte(r->out, '"');
    while (s.n != 0) {
        size_t size = text_sequence(s);

        if (r->out->n >= r->end)
            return cut(r);
        print_character(r, s, size);
        size = size == 0 ? 1 : size;
        s = (struct slice){s.p + size, s.n - size};
    }
    buf_add_byte(r->out, '"');
    return OUTCOME_GOOD;
}

static enum outcome print_string(struct reader *r, uint64_t n)
{
    struct slice s;

    return take(r, n, &s) ? print_quoted(r, s) : OUTCOME_DAMAGED;
}

static enum outcome print_integer(struct reader *r, int bytes, bool is_signed)
{
    uint64_t v;
    int shift = 64 - 8 * bytes;

    if (!take_be(r, bytes, &v))
        return OUTCOME_DAMAGED;
    if (is_signed)
        buf_printf(r->out, "%" PRId64, (int64_t)(v << shift) >> shift);
    else
        buf_printf(r->out, "%" PRIu64, v);
    return OUTCOME_GOOD;
}

static enum outcome print_float(struct reader *r, int bytes)
{
    uint64_t bits;
    float single;
    double v;

    if (!take_be(r, bytes, &bits))
        return OUTCOME_DAMAGED;
    uint32_t low = (uint32_t)bits;
    memcpy(&single, &low, sizeof(single));
    memcpy(&v, &bits, sizeof(v));
    v = bytes == 4 ? (double)single : v;
    if (r->is_json && !isfinite(v))
        buf_add_text(r->out, "null");
    else
        text_add_real(r->out, v);
    return OUTCOME_GOOD;
}

/* What was appended since `start` becomes a string of JSON. */
static enum outcome quote(struct reader *r, size_t start)
{
    struct buf text = {0};

    buf_add(&text, r->out->p + start, r->out->n - start);
    r->out->n = start;
    enum outcome is = print_quoted(r, buf_slice(&text));
    buf_fini(&text);
    return is;
}

static enum outcome print_ext(struct reader *r, uint64_t n)
{
    struct slice payload;
    uint64_t type;
    size_t start = r->out->n;

    if (!take_be(r, 1, &type) || !take(r, n, &payload))
        return OUTCOME_DAMAGED;
    if (type == VALUE_EXT_NULL) {
        buf_add_text(r->out, "null");
        return OUTCOME_GOOD;
    }
    if (r->ext == NULL || !r->ext(r->out, (int)type, payload))
        buf_printf(r->out, "<extension %" PRIu64 ">", type);
    return r->is_json ? quote(r, start) : OUTCOME_GOOD;
}

/* ---- tables ---- */

static enum outcome enter(struct reader *r, uint64_t members, char bracket)
{
    if (r->depth == VALUE_DEPTH_MAX || members > r->in.n)
        return OUTCOME_DAMAGED;
    r->depth++;
    buf_add_byte(r->out, bracket);
    return OUTCOME_GOOD;
}

static enum outcome print_array(struct reader *r, uint64_t n)
{
    enum outcome is = enter(r, n, '[');

    for (uint64_t i = 0; i < n && is == OUTCOME_GOOD; i++) {
        if (r->out->n >= r->end)
            return cut(r);
        buf_add_text(r->out, i == 0 ? "" : ", ");
        is = print(r);
    }
    if (is == OUTCOME_GOOD)
        buf_add_byte(r->out, ']');
    r->depth--;
    return is;
}

/* JSON has strings as keys alone. */
static enum outcome print_key(struct reader *r)
{
    size_t start = r->out->n;
    enum outcome is = print(r);

    if (!r->is_json || is != OUTCOME_GOOD || r->out->p[start] == '"')
        return is;
    return quote(r, start);
}

static enum outcome print_map(struct reader *r, uint64_t n)
{
    enum outcome is = enter(r, n, '{');

    for (uint64_t i = 0; i < n && is == OUTCOME_GOOD; i++) {
        if (r->out->n >= r->end)
            return cut(r);
        buf_add_text(r->out, i == 0 ? "" : ", ");
        is = print_key(r);
        if (is != OUTCOME_GOOD)
            break;
        buf_add_text(r->out, ": ");
        is = print(r);
    }
    if (is == OUTCOME_GOOD)
        buf_add_byte(r->out, '}');
    r->depth--;
    return is;
}

/* ---- tags ---- */

static enum outcome print_sized(struct reader *r, int bytes,
                                enum outcome (*of)(struct reader *r,
                                                   uint64_t n))
{
    uint64_t n;

    return take_be(r, bytes, &n) ? of(r, n) : OUTCOME_DAMAGED;
}

static enum outcome print_word(struct reader *r, const char *word)
{
    buf_add_text(r->out, word);
    return OUTCOME_GOOD;
}

/* Tags 0xc0..0xdf. */
static enum outcome print_tagged(struct reader *r, unsigned tag)
{
    if (tag == 0xc0)
        return print_word(r, r->is_json ? "null" : "nil");
    if (tag == 0xc1)
        return OUTCOME_DAMAGED;
    if (tag <= 0xc3)
        return print_word(r, tag == 0xc3 ? "true" : "false");
    if (tag <= 0xc6)
        return print_sized(r, 1 << (tag - 0xc4), print_string);
    if (tag <= 0xc9)
        return print_sized(r, 1 << (tag - 0xc7), print_ext);
    if (tag <= 0xcb)
        return print_float(r, tag == 0xca ? 4 : 8);
    if (tag <= 0xcf)
        return print_integer(r, 1 << (tag - 0xcc), false);
    if (tag <= 0xd3)
        return print_integer(r, 1 << (tag - 0xd0), true);
    if (tag <= 0xd8)
        return print_ext(r, (uint64_t)1 << (tag - 0xd4));
    if (tag <= 0xdb)
        return print_sized(r, 1 << (tag - 0xd9), print_string);
    return tag <= 0xdd ? print_sized(r, 2 << (tag - 0xdc), print_array)
                       : print_sized(r, 2 << (tag - 0xde), print_map);
}

static enum outcome print(struct reader *r)
{
    uint64_t tag;

    if (!take_be(r, 1, &tag))
        return OUTCOME_DAMAGED;
    if (tag < 0x80 || tag >= 0xe0) {
        buf_printf(r->out, "%d", tag < 0x80 ? (int)tag : (int)tag - 0x100);
        return OUTCOME_GOOD;
    }
    if (tag >= 0xc0)
        return print_tagged(r, (unsigned)tag);
    if (tag >= 0xa0)
        return print_string(r, tag & 0x1f);
    return tag >= 0x90 ? print_array(r, tag & 0x0f) : print_map(r, tag & 0x0f);
}

void value_text(struct slice in, size_t max, value_text_cb ext, struct buf *out)
{
    struct reader r = {.in = in, .out = out, .end = out->n + max, .ext = ext};

    if (print(&r) == OUTCOME_DAMAGED)
        buf_add_text(out, "(damaged)");
}

size_t value_json(struct slice in, value_text_cb ext, struct buf *out)
{
    struct reader r = {
        .in = in, .out = out, .end = SIZE_MAX, .ext = ext, .is_json = true};

    return print(&r) == OUTCOME_GOOD ? in.n - r.in.n : 0;
}
