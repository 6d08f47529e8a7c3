/* Strings of JSON: UTF-8 and escapes. */
#include <stdint.h>
#include <string.h>

#include "bindings/json.h"

/* Bytes of the valid UTF-8 character at p[0..n), 0 when there is none. */
static size_t character(const unsigned char *p, size_t n)
{
    unsigned c = p[0];
    size_t size = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;

    if (c < 0x80)
        return 1;
    if (c < 0xc2 || c > 0xf4 || n < size || (p[1] & 0xc0) != 0x80)
        return 0;
    /* Longer than needed, surrogates, above U+10FFFF. */
    if ((c == 0xe0 && p[1] < 0xa0) || (c == 0xed && p[1] > 0x9f) ||
        (c == 0xf0 && p[1] < 0x90) || (c == 0xf4 && p[1] > 0x8f))
        return 0;
    for (size_t i = 2; i < size; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    }
    return size;
}

static bool is_ascii_8(const unsigned char *p)
{
    uint64_t bytes;

    memcpy(&bytes, p, sizeof(bytes));
    return (bytes & 0x8080808080808080) == 0;
}

size_t utf8_valid(struct slice s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t at = 0;

    while (at < s.n) {
        if (s.n - at >= 8 && is_ascii_8(p + at)) {
            at += 8;
            continue;
        }
        size_t size = p[at] < 0x80 ? 1 : character(p + at, s.n - at);

        if (size == 0)
            break;
        at += size;
    }
    return at;
}

static void add_escape(struct buf *out, unsigned c)
{
    static const char letters[] = "btnvfr"; /* 0x08 .. 0x0d */

    if (c == '"' || c == '\\')
        buf_printf(out, "\\%c", (int)c);
    else if (c >= 0x08 && c <= 0x0d && c != 0x0b)
        buf_printf(out, "\\%c", letters[c - 0x08]);
    else
        buf_printf(out, "\\u%04x", c);
}

int json_add_string(struct buf *out, struct slice s, enum json_mode mode,
                    size_t *at)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t start = 0; /* of what is not copied yet */
    size_t i = 0;

    buf_add_byte(out, '"');
    while (i < s.n) {
        if (p[i] >= 0x20 && p[i] < 0x80 && p[i] != '"' && p[i] != '\\') {
            i++;
            continue;
        }
        size_t size = p[i] < 0x80 ? 0 : character(p + i, s.n - i);
        if (size != 0) {
            i += size;
            continue;
        }
        buf_add(out, s.p + start, i - start);
        if (p[i] < 0x80) {
            add_escape(out, p[i]);
        } else if (mode == JSON_LENIENT) {
            buf_add_text(out, "\xef\xbf\xbd");
        } else {
            *at = i;
            return ERR_INVALID;
        }
        start = ++i;
    }
    buf_add(out, s.p + start, s.n - start);
    buf_add_byte(out, '"');
    return 0;
}
