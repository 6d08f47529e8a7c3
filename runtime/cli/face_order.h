/*
 * face_order.h - encoded values (vm/value.h) with the members of tables in an
 * order of their own: that of the keys' bytes.
 *
 * A table arrives in a world's state member by member, and the order of pairs
 * there depends on the order in which they came.  That of pairs in the test's
 * state is another one in every process.
 */
#ifndef CLI_FACE_ORDER_H
#define CLI_FACE_ORDER_H

#include "base/buf.h"
#include "base/slice.h"

/* Append the values in `in`, which our encoder has made, to `out`. */
void face_order(struct slice in, struct buf *out);

#endif
