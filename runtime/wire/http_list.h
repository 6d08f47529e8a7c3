/*
 * http_list.h - lists in field values: elements between commas, tokens,
 * parameters (RFC 9110, section 5.6).
 */
#ifndef WIRE_HTTP_LIST_H
#define WIRE_HTTP_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/message.h"
#include "base/slice.h"

/* One or more characters of a token. */
bool http_list_is_token(struct slice s);

/*
 * Cut the next element off the front of `*rest`; `separator` is ',' or ';'.
 * Quoted strings hide separators; blanks around an element are cut off.
 * Returns false at the end.  Elements may be empty: "a,,b" has three.
 */
bool http_list_next(struct slice *rest, char separator, struct slice *element);

/* Whether the list in the fields of that name, all together, has an element
 * that is `token`, whatever the case. */
bool http_list_has(const struct field *fields, uint32_t count,
                   struct slice name, struct slice token);

#endif
