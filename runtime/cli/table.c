#include "cli/table.h"

#include <string.h>

#include "base/clock.h"
#include "base/must.h"
#include "base/text.h"
#include "cli/format.h"
#include "host/row.h"

enum { GAP = 2, NARROWEST = 2, SHORT = 8, BLOB_SHOWN = 64 };

void table_init(struct table *t, const struct table_column *columns,
                size_t count, const char *indent, struct pager *to)
{
    MUST(count <= TABLE_COLUMNS);
    *t = (struct table){.columns = columns,
                        .count = count,
                        .indent = indent,
                        .to = to,
                        .now_ms = clock_wall_ms(clock_system()),
                        .terminal = terminal_size().columns};
}

/* ---- cells ---- */

static void add_texts(struct buf *out, struct slice texts)
{
    struct slice text;
    const char *comma = "";

    while (cell_next_text(&texts, &text)) {
        buf_add_text(out, comma);
        text_add_escaped(out, text, TEXT_PRINTABLE);
        comma = ", ";
    }
}

static void add_integer(struct buf *out, enum table_form form, int64_t n,
                        int64_t now_ms)
{
    switch (form) {
    case TABLE_BYTES:
        format_bytes(out, n);
        break;
    case TABLE_WHEN:
        format_when(out, n, now_ms);
        break;
    case TABLE_DURATION:
        format_duration(out, n);
        break;
    case TABLE_VALUE:
        buf_printf(out, "%lld", (long long)n);
        break;
    case TABLE_TEXT:
    case TABLE_SHORT:
    case TABLE_COUNT:
        format_count(out, n);
        break;
    }
}

/* As SQL writes it, its first bytes. */
static void add_blob(struct buf *out, struct slice bytes)
{
    size_t n = bytes.n < BLOB_SHOWN ? bytes.n : BLOB_SHOWN;

    buf_add_text(out, "x'");
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "%02x", (unsigned char)bytes.p[i]);
    buf_add_text(out, n < bytes.n ? "\u2026'" : "'");
}

void table_cell(struct buf *out, const struct table_column *c, struct slice row,
                int64_t now_ms)
{
    struct cell cell;

    if (c->write != NULL) {
        c->write(out, row);
        return;
    }
    if (!row_find(row, c->key, &cell)) {
        buf_add_text(out, c->form == TABLE_VALUE ? "NULL" : "-");
        return;
    }
    if (cell.type == CELL_REAL)
        text_add_real(out, cell.real);
    else if (cell.type == CELL_BLOB)
        add_blob(out, cell.text);
    else if (cell.type == CELL_TEXTS)
        add_texts(out, cell.text);
    else if (cell.type == CELL_BOOL)
        buf_add_text(out, cell.integer != 0 ? "yes" : "no");
    else if (cell.type == CELL_INTEGER)
        add_integer(out, c->form, cell.integer, now_ms);
    else if (c->form == TABLE_SHORT && cell.text.n > SHORT)
        buf_add(out, cell.text.p, SHORT);
    else
        text_add_escaped(out, cell.text, TEXT_PRINTABLE);
}

/* ---- widths ---- */

static void measure(struct table *t, struct slice row)
{
    for (size_t i = 0; i < t->count; i++) {
        t->cell.n = 0;
        table_cell(&t->cell, &t->columns[i], row, t->now_ms);
        size_t width = text_width(buf_slice(&t->cell));

        if (width > t->widths[i])
            t->widths[i] = width;
    }
}

static size_t total(const struct table *t)
{
    size_t sum = strlen(t->indent) + GAP * (t->count - 1);

    for (size_t i = 0; i < t->count; i++)
        sum += t->widths[i];
    return sum;
}

static void fit(struct table *t)
{
    while (t->terminal != 0 && total(t) > t->terminal) {
        size_t widest = 0;

        for (size_t i = 1; i < t->count; i++) {
            if (t->widths[i] > t->widths[widest])
                widest = i;
        }
        if (t->widths[widest] <= NARROWEST)
            return;
        t->widths[widest]--;
    }
}

/* ---- lines ---- */

static bool is_right(const struct table *t, size_t i)
{
    return t->columns[i].form == TABLE_BYTES ||
           t->columns[i].form == TABLE_COUNT;
}

static void pad(struct buf *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_add_byte(out, ' ');
}

/* Append the text in t->cell as column `i`. */
static void add_cell(struct table *t, size_t i)
{
    size_t width = text_width(buf_slice(&t->cell));
    size_t room = t->widths[i];

    if (t->terminal != 0 && width > room) {
        buf_add(&t->line, t->cell.p,
                text_cut(buf_slice(&t->cell), room > 0 ? room - 1 : 0));
        buf_add_text(&t->line, "\u2026");
        width = room;
    } else {
        if (is_right(t, i) && width < room)
            pad(&t->line, room - width);
        buf_add_slice(&t->line, buf_slice(&t->cell));
    }
    if (i + 1 == t->count)
        return;
    if (!is_right(t, i) && width < room)
        pad(&t->line, room - width);
    pad(&t->line, GAP);
}

/* `row` NULL: the titles. */
static int add_line(struct table *t, const struct slice *row)
{
    t->line.n = 0;
    buf_add_text(&t->line, t->indent);
    for (size_t i = 0; i < t->count; i++) {
        t->cell.n = 0;
        if (row == NULL)
            buf_add_text(&t->cell, t->columns[i].title);
        else
            table_cell(&t->cell, &t->columns[i], *row, t->now_ms);
        add_cell(t, i);
    }
    return pager_line(t->to, buf_slice(&t->line));
}

static int begin(struct table *t)
{
    struct slice rows = buf_slice(&t->ahead);
    struct slice row;

    t->has_begun = true;
    for (size_t i = 0; i < t->count; i++) {
        size_t title = text_width(slice_of(t->columns[i].title));

        if (title > t->widths[i])
            t->widths[i] = title;
    }
    fit(t);
    int rc = add_line(t, NULL);
    while (rc == 0 && cell_next_text(&rows, &row))
        rc = add_line(t, &row);
    buf_fini(&t->ahead);
    return rc;
}

int table_add(struct table *t, struct slice row)
{
    if (t->has_begun)
        return add_line(t, &row);
    measure(t, row);
    row_join(&t->ahead, row);
    return ++t->ahead_n == TABLE_AHEAD ? begin(t) : 0;
}

void table_end(struct table *t)
{
    if (!t->has_begun && t->ahead_n != 0)
        begin(t);
    buf_fini(&t->ahead);
    buf_fini(&t->line);
    buf_fini(&t->cell);
}
