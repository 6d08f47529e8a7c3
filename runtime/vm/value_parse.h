/*
 * value_parse.h - JSON text to an encoded value (value.h), without a Lua state:
 * for arguments from a command line.
 */
#ifndef VM_VALUE_PARSE_H
#define VM_VALUE_PARSE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

/*
 * Append the one value in `text` to `out`: null is nil at the top and mk.null
 * inside, numbers without fraction and exponent are integers where they fit,
 * strings may hold any bytes.  ERR_INVALID: `*err` says what was expected, what
 * came, and the byte offset; ERR_TOO_BIG: nested more than 64 deep.  Then `out`
 * is as before.
 */
int value_parse(struct slice text, struct buf *out, struct error *err);

#endif
