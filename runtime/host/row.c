#include "host/row.h"

#include <string.h>

#include "base/must.h"

/* ---- writing ---- */

static void add_number(struct buf *out, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++, v >>= 8)
        buf_add_byte(out, (int)(v & 0xff));
}

static void add_word(struct buf *out, const char *word)
{
    size_t n = strlen(word);

    MUST(n <= UINT8_MAX);
    buf_add_byte(out, (int)n);
    buf_add(out, word, n);
}

static void begin_cell(struct buf *row, enum cell_type type, const char *key)
{
    buf_add_byte(row, (int)type);
    add_word(row, key);
}

void row_begin(struct buf *row, const char *kind)
{
    row->n = 0;
    add_word(row, kind);
}

void row_add_none(struct buf *row, const char *key)
{
    begin_cell(row, CELL_NONE, key);
}

void row_add_bool(struct buf *row, const char *key, bool value)
{
    begin_cell(row, CELL_BOOL, key);
    add_number(row, value, 8);
}

void row_add_integer(struct buf *row, const char *key, int64_t value)
{
    begin_cell(row, CELL_INTEGER, key);
    add_number(row, (uint64_t)value, 8);
}

void row_add_nonzero(struct buf *row, const char *key, int64_t value)
{
    if (value == 0)
        row_add_none(row, key);
    else
        row_add_integer(row, key, value);
}

void row_join(struct buf *texts, struct slice text)
{
    MUST(text.n <= UINT32_MAX);
    add_number(texts, text.n, 4);
    buf_add_slice(texts, text);
}

void row_add_text(struct buf *row, const char *key, struct slice text)
{
    begin_cell(row, CELL_TEXT, key);
    row_join(row, text);
}

void row_add_real(struct buf *row, const char *key, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    begin_cell(row, CELL_REAL, key);
    add_number(row, bits, 8);
}

void row_add_blob(struct buf *row, const char *key, struct slice bytes)
{
    begin_cell(row, CELL_BLOB, key);
    row_join(row, bytes);
}

void row_add_name(struct buf *row, const char *key, struct slice text)
{
    if (text.n == 0)
        row_add_none(row, key);
    else
        row_add_text(row, key, text);
}

void row_add_texts(struct buf *row, const char *key, const struct buf *texts)
{
    begin_cell(row, CELL_TEXTS, key);
    row_join(row, buf_slice(texts));
}

/* ---- reading ---- */

static bool take(struct slice *in, size_t n, struct slice *out)
{
    if (in->n < n)
        return false;
    *out = (struct slice){in->p, n};
    *in = (struct slice){in->p + n, in->n - n};
    return true;
}

static bool take_number(struct slice *in, size_t bytes, uint64_t *out)
{
    struct slice at;

    *out = 0;
    if (!take(in, bytes, &at))
        return false;
    for (size_t i = bytes; i > 0; i--)
        *out = *out << 8 | (unsigned char)at.p[i - 1];
    return true;
}

static bool take_word(struct slice *in, struct slice *out)
{
    uint64_t n;

    return take_number(in, 1, &n) && take(in, (size_t)n, out);
}

bool cell_next_text(struct slice *texts, struct slice *out)
{
    uint64_t n;

    return take_number(texts, 4, &n) && take(texts, (size_t)n, out);
}

struct slice row_kind(struct slice row, struct slice *cells)
{
    struct slice kind = {0};

    *cells = row;
    if (!take_word(cells, &kind))
        *cells = (struct slice){0};
    return kind;
}

bool row_next(struct slice *cells, struct cell *out)
{
    uint64_t type;
    uint64_t number = 0;
    bool is_good = take_number(cells, 1, &type) && type <= CELL_BLOB &&
                   take_word(cells, &out->key);

    if (!is_good)
        return false;
    out->type = (enum cell_type)type;
    out->text = (struct slice){0};
    if (type == CELL_BOOL || type == CELL_INTEGER || type == CELL_REAL)
        is_good = take_number(cells, 8, &number);
    else if (type != CELL_NONE)
        is_good = cell_next_text(cells, &out->text);
    out->integer = type == CELL_REAL ? 0 : (int64_t)number;
    memcpy(&out->real, &number, sizeof(out->real));
    return is_good;
}

bool row_find(struct slice row, const char *key, struct cell *out)
{
    struct slice cells;

    row_kind(row, &cells);
    while (row_next(&cells, out)) {
        if (slice_eq(out->key, slice_of(key)))
            return out->type != CELL_NONE;
    }
    return false;
}

int64_t row_integer(struct slice row, const char *key)
{
    struct cell c;

    return row_find(row, key, &c) ? c.integer : 0;
}

struct slice row_text(struct slice row, const char *key)
{
    struct cell c;

    return row_find(row, key, &c) ? c.text : (struct slice){0};
}

bool row_is(struct slice row, const char *kind)
{
    struct slice cells;

    return slice_eq(row_kind(row, &cells), slice_of(kind));
}
