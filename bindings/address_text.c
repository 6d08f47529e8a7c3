#include "bindings/address_text.h"

#include "base/text.h"
#include "bindings/names.h"

bool address_text(struct buf *out, int type, struct slice payload)
{
    char hex[OID_HEX + 1];
    struct oid oid;

    if ((type != EXT_ID && type != EXT_STUB) || payload.n < 1 + OID_SIZE)
        return false;
    size_t n = (unsigned char)payload.p[0];

    if (payload.n < 1 + n + OID_SIZE)
        return false;
    memcpy(oid.b, payload.p + 1 + n, OID_SIZE);
    oid_to_hex(&oid, hex);
    size_t head = 1 + n + OID_SIZE;
    struct slice name = {payload.p + head, payload.n - head};

    buf_add_text(out, type == EXT_ID ? "<id " : "<stub ");
    text_add_escaped(out, (struct slice){payload.p + 1, n}, TEXT_PRINTABLE);
    buf_add_byte(out, '/');
    text_add_escaped(out, name.n == 0 ? slice_of(hex) : name, TEXT_PRINTABLE);
    buf_add_byte(out, '>');
    return true;
}
