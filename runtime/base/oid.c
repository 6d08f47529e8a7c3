#include "base/oid.h"

#include "base/text.h"

void oid_to_hex(const struct oid *id, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (int i = 0; i < OID_SIZE; i++) {
        out[2 * i] = digits[id->b[i] >> 4];
        out[2 * i + 1] = digits[id->b[i] & 15];
    }
    out[OID_HEX] = '\0';
}

bool oid_from_hex(const char *hex, size_t n, struct oid *out)
{
    if (n != OID_HEX)
        return false;
    for (int i = 0; i < OID_SIZE; i++) {
        int high = text_hex_digit(hex[2 * i]);
        int low = text_hex_digit(hex[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        out->b[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}
