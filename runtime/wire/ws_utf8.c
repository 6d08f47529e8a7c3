#include "wire/ws_utf8.h"

#include <string.h>

enum { TAIL_LOW = 0x80, TAIL_HIGH = 0xbf };

static const uint64_t HIGH_BITS = 0x8080808080808080;

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
    return (w & HIGH_BITS) == 0;
}

bool ws_utf8_add(struct ws_utf8 *u, const char *p, size_t n)
{
    struct ws_utf8 now = *u; /* in registers: `p` might point anywhere */
    size_t i = 0;

    while (i < n) {
        uint8_t c = (uint8_t)p[i];

        if (now.need != 0) {
            if (c < now.low || c > now.high)
                return false;
            expect(&now, (uint8_t)(now.need - 1), TAIL_LOW, TAIL_HIGH);
            i++;
        } else if (n - i >= 8 && is_ascii_8(p + i)) {
            i += 8;
        } else if (c < 0x80) {
            i++;
        } else {
            if (!begin(&now, c))
                return false;
            i++;
        }
    }
    *u = now;
    return true;
}

bool ws_utf8_is_valid(const char *p, size_t n)
{
    struct ws_utf8 u = {0};

    return ws_utf8_add(&u, p, n) && ws_utf8_may_end(&u);
}
