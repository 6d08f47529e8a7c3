#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t text_sequence(struct slice s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t size = p[0] < 0x80                    ? 1
                  : p[0] >= 0xc2 && p[0] <= 0xdf ? 2
                  : p[0] >= 0xe0 && p[0] <= 0xef ? 3
                  : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4
                                                 : 0;

    if (size == 0 || size > s.n)
        return 0;
    for (size_t i = 1; i < size; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    }
    bool is_long =
        (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    bool is_surrogate = p[0] == 0xed && p[1] > 0x9f;
    bool is_beyond = p[0] == 0xf4 && p[1] > 0x8f;

    return is_long || is_surrogate || is_beyond ? 0 : size;
}

bool text_is_control(struct slice s, size_t size)
{
    unsigned char c = (unsigned char)s.p[0];

    if (size == 1)
        return (c < 0x20 && c != '\t') || c == 0x7f;
    return size == 2 && c == 0xc2 && (unsigned char)s.p[1] < 0xa0;
}

void text_add_escaped(struct buf *out, struct slice s, enum text_escape which)
{
    while (s.n != 0) {
        size_t size = text_sequence(s);
        bool is_escaped = size == 0;

        if (which == TEXT_PRINTABLE && size != 0)
            is_escaped = text_is_control(s, size) || s.p[0] == '\t';
        if (size == 0)
            size = 1;
        for (size_t i = 0; i < size && is_escaped; i++)
            buf_printf(out, "\\x%02x", (unsigned char)s.p[i]);
        if (!is_escaped)
            buf_add(out, s.p, size);
        s = (struct slice){s.p + size, s.n - size};
    }
}

static bool begins_character(char c)
{
    return ((unsigned char)c & 0xc0) != 0x80;
}

size_t text_width(struct slice s)
{
    size_t width = 0;

    for (size_t i = 0; i < s.n; i++)
        width += begins_character(s.p[i]);
    return width;
}

size_t text_cut(struct slice s, size_t width)
{
    size_t i = 0;

    for (size_t seen = 0; i < s.n; i++) {
        if (begins_character(s.p[i]) && seen++ == width)
            break;
    }
    return i;
}

int text_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

void text_add_real(struct buf *out, double v)
{
    char text[40];

    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    buf_add_text(out, text);
    if (isfinite(v) && strpbrk(text, ".e") == NULL)
        buf_add_text(out, ".0");
}
