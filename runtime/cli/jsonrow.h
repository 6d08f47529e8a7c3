/*
 * jsonrow.h - rows of host/row.h as JSON: exact numbers, times in milliseconds
 * since the Unix epoch, bytes that are no UTF-8 as \xNN in the text; what is
 * bytes by its nature as {"base64": "..."}, numbers that JSON lacks as null.
 */
#ifndef CLI_JSONROW_H
#define CLI_JSONROW_H

#include "base/buf.h"
#include "base/slice.h"

/* Append the row as one object, without a newline. */
void jsonrow_add(struct buf *out, struct slice row);
/* The same without the braces. */
void jsonrow_add_members(struct buf *out, struct slice row);
struct cell;
void jsonrow_add_value(struct buf *out, const struct cell *c);
void jsonrow_add_string(struct buf *out, struct slice text);

#endif
