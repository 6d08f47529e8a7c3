/*
 * ws_utf8.h - is it UTF-8 (RFC 3629)?  Of bytes that come in pieces, or whole.
 *
 * No overlong forms, no surrogates, nothing above U+10FFFF.  Invalid is known
 * at the first byte that cannot be continued to anything valid.
 */
#ifndef WIRE_WS_UTF8_H
#define WIRE_WS_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed: at the start, or between two characters. */
struct ws_utf8 {
    uint8_t need;      /* bytes that the character under way still needs */
    uint8_t low, high; /* what the next of them may be; with need > 0 */
};

/* Look at the next piece.  Returns whether it can go on so; after false the
 * state means nothing. */
bool ws_utf8_add(struct ws_utf8 *u, const char *p, size_t n);

/* No character is cut: the text may end here. */
static inline bool ws_utf8_may_end(const struct ws_utf8 *u)
{
    return u->need == 0;
}

/* Whether `p[0..n)` is valid as a whole. */
bool ws_utf8_is_valid(const char *p, size_t n);

#endif
