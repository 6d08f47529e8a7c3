/*
 * text.h - bytes of any origin as text: what of them is UTF-8, and a form in
 * which they neither break a line nor steer a terminal.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/slice.h"

/* Size of the well-formed UTF-8 sequence (RFC 3629) at the start of `s`, which
 * is not empty; 0 when there is none. */
size_t text_sequence(struct slice s);
/* Whether the sequence of `size` bytes at the start of `s` could steer a
 * terminal: C0 but for tabs, DEL, and C1, which is c2 80 to c2 9f. */
bool text_is_control(struct slice s, size_t size);

enum text_escape {
    TEXT_PRINTABLE, /* what is no UTF-8, and every control character */
    TEXT_UTF8       /* only what is no UTF-8 */
};

/* Append `s`, such bytes as \xNN. */
void text_add_escaped(struct buf *out, struct slice s, enum text_escape which);
/* Append the shortest decimal number that is read back as `v` and is no
 * integer: "0.1", "1.0", "inf". */
void text_add_real(struct buf *out, double v);
/* The value of a hexadecimal digit of either case; -1: it is none. */
int text_hex_digit(char c);
/* Characters of `s`, which is UTF-8. */
size_t text_width(struct slice s);
/* Bytes of its first `width` characters, or all. */
size_t text_cut(struct slice s, size_t width);

#endif
