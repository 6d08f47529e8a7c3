#include "cli/jsonrow.h"

#include <inttypes.h>
#include <math.h>

#include "base/text.h"
#include "cli/format.h"
#include "host/row.h"

static void add_character(struct buf *out, struct slice s, size_t size)
{
    unsigned char c = (unsigned char)s.p[0];

    if (c == '"' || c == '\\')
        buf_printf(out, "\\%c", c);
    else if (c < 0x20)
        buf_printf(out, "\\u%04x", c);
    else if (size == 0)
        buf_printf(out, "\\\\x%02x", c);
    else
        buf_add(out, s.p, size);
}

void jsonrow_add_string(struct buf *out, struct slice s)
{
    buf_add_byte(out, '"');
    while (s.n != 0) {
        size_t size = text_sequence(s);

        add_character(out, s, size);
        size = size == 0 ? 1 : size;
        s = (struct slice){s.p + size, s.n - size};
    }
    buf_add_byte(out, '"');
}

static void add_strings(struct buf *out, struct slice texts)
{
    const char *comma = "";
    struct slice text;

    buf_add_byte(out, '[');
    while (cell_next_text(&texts, &text)) {
        buf_add_text(out, comma);
        jsonrow_add_string(out, text);
        comma = ",";
    }
    buf_add_byte(out, ']');
}

static void add_base64(struct buf *out, struct slice s)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnop"
                                 "qrstuvwxyz0123456789+/";

    for (size_t i = 0; i < s.n; i += 3) {
        unsigned group = 0;

        for (size_t k = 0; k < 3; k++)
            group = group << 8 | (i + k < s.n ? (unsigned char)s.p[i + k] : 0u);
        for (size_t k = 0; k < 4; k++)
            buf_add_byte(out, i + k > s.n ? '='
                                          : digits[group >> (18 - 6 * k) & 63]);
    }
}

void jsonrow_add_value(struct buf *out, const struct cell *c)
{
    switch (c->type) {
    case CELL_NONE:
        buf_add_text(out, "null");
        break;
    case CELL_BOOL:
        buf_add_text(out, c->integer != 0 ? "true" : "false");
        break;
    case CELL_INTEGER:
        buf_printf(out, "%" PRId64, c->integer);
        break;
    case CELL_TEXT:
        jsonrow_add_string(out, c->text);
        break;
    case CELL_TEXTS:
        add_strings(out, c->text);
        break;
    case CELL_REAL:
        if (isfinite(c->real))
            text_add_real(out, c->real);
        else
            buf_add_text(out, "null");
        break;
    case CELL_BLOB:
        buf_add_text(out, "{\"base64\":\"");
        add_base64(out, c->text);
        buf_add_text(out, "\"}");
        break;
    }
}

void jsonrow_add_members(struct buf *out, struct slice row)
{
    const char *comma = "";
    struct slice cells;
    struct cell c;

    row_kind(row, &cells);
    while (row_next(&cells, &c)) {
        buf_add_text(out, comma);
        jsonrow_add_string(out, c.key);
        buf_add_byte(out, ':');
        jsonrow_add_value(out, &c);
        comma = ",";
    }
}

void jsonrow_add(struct buf *out, struct slice row)
{
    buf_add_byte(out, '{');
    jsonrow_add_members(out, row);
    buf_add_byte(out, '}');
}
