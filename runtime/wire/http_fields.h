/*
 * http_fields.h - what the fields and the target of a head say about the
 * message: where it goes and how long its body is.  Part of http_head.
 */
#ifndef WIRE_HTTP_FIELDS_H
#define WIRE_HTTP_FIELDS_H

#include "wire/http_head.h"

/* Fill authority, scheme, target, length, is_chunked and expects_continue of
 * `head` from its method, version, target and fields; an absolute target
 * replaces the value of Host.  Returns 0 or ERR_PROTO with the status set. */
int http_fields_read(struct http_head *head);

#endif
