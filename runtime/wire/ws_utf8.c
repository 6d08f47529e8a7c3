#include "wire/ws_utf8.h"

#include <string.h>

enum { TAIL_LOW = 0x80, TAIL_HIGH = 0xbf };

static const uint64_t high_bits = 0x8080808080808080;

/* Expect `need` more bytes, the next of them from low to high. */
static bool expect(struct ws_utf8 *u, uint8_t need, uint8_t low, uint8_t high)
{
    *u = (struct ws_utf8){need, low, high};
    return true;
}

/* The first byte of a character that is not ASCII (RFC 3629, section 4). */
static bool begin(struct ws_utf8 *u, uint8_t c)
{
    if (c < 0xc2 || c > 0xf4)
        return false;
    if (c < 0xe0)
        return expect(u, 1, TAIL_LOW, TAIL_HIGH);
    if (c < 0xf0)
        return expect(u, 2, c == 0xe0 ? 0xa0 : TAIL_LOW,
                      c == 0xed ? 0x9f : TAIL_HIGH);
    return expect(u, 3, c == 0xf0 ? 0x90 : TAIL_LOW,
                  c == 0xf4 ? 0x8f : TAIL_HIGH);
}

static bool is_ascii_8(const char *p)
{
    uint64_t w = 0;

    memcpy(&w, p, sizeof(w));
    return (w & high_bits) == 0;
}

static bool is_tail(uint8_t c)
{
    return (c & 0xc0) == 0x80;
}

/* Whether `p[0..3)` or `p[0..4)` is a valid character of that size: begin()
 * and expect() in one step. */

static bool is_three(const uint8_t *p)
{
    unsigned top = (p[0] & 0x0fu) << 6 | (p[1] & 0x3fu); /* of 16 bits, 10 */

    return is_tail(p[1]) && is_tail(p[2]) && top >= 0x20 && top >> 5 != 0x1b;
}

static bool is_four(const uint8_t *p)
{
    unsigned top = (p[0] & 0x0fu) << 6 | (p[1] & 0x3fu); /* of 21 bits, 9 */

    return p[0] < 0xf8 && is_tail(p[1]) && is_tail(p[2]) && is_tail(p[3]) &&
           top >= 0x10 && top <= 0x10f;
}

/* Skip whole valid characters from `p[i]` on; the last few bytes are left.
 * A branch for each size, so that the next character does not wait until the
 * size of this one is known. */
static size_t skip(const char *p, size_t i, size_t n)
{
    while (n - i >= 8) {
        const uint8_t *at = (const uint8_t *)p + i;

        if (is_ascii_8(p + i)) {
            i += 8;
        } else if (at[0] < 0x80) {
            i += 1;
        } else if (at[0] < 0xe0) {
            if (at[0] < 0xc2 || !is_tail(at[1]))
                break;
            i += 2;
        } else if (at[0] < 0xf0) {
            if (!is_three(at))
                break;
            i += 3;
        } else {
            if (!is_four(at))
                break;
            i += 4;
        }
    }
    return i;
}

bool ws_utf8_add(struct ws_utf8 *u, const char *p, size_t n)
{
    size_t i = u->need == 0 ? skip(p, 0, n) : 0;

    while (i < n) {
        uint8_t c = (uint8_t)p[i++];

        if (u->need == 0) {
            if (c >= 0x80 && !begin(u, c))
                return false;
            continue;
        }
        if (c < u->low || c > u->high)
            return false;
        expect(u, (uint8_t)(u->need - 1), TAIL_LOW, TAIL_HIGH);
        if (u->need == 0)
            i = skip(p, i, n);
    }
    return true;
}

bool ws_utf8_is_valid(const char *p, size_t n)
{
    struct ws_utf8 u = {0};

    return ws_utf8_add(&u, p, n) && ws_utf8_may_end(&u);
}
