/*
 * value_put.h - numbers, strings and heads of tables as MessagePack, each in
 * its shortest form, at the end of a buffer.  The inside of value_encode.c.
 *
 * By hand, not by msgpack-c: its packer calls through a function pointer for
 * every head.  Here a small integer is one compare and one byte.
 */
#ifndef VM_VALUE_PUT_H
#define VM_VALUE_PUT_H

#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

/* The low `bytes` bytes of `v` at `p`, highest first. */
void value_put_be(char *p, uint64_t v, int bytes);

void value_put_integer(struct buf *out, int64_t v);
void value_put_float(struct buf *out, double v);
/* `s.n` is at most UINT32_MAX. */
void value_put_string(struct buf *out, struct slice s);
/* The head of an array of `n`; its elements follow. */
void value_put_array(struct buf *out, uint32_t n);

#endif
