/* http_authority.h - "host:port" as RFC 3986 (section 3.2) allows it. */
#ifndef WIRE_HTTP_AUTHORITY_H
#define WIRE_HTTP_AUTHORITY_H

#include <stdbool.h>

#include "base/slice.h"

/* A registered name, IPv4 address or bracketed IPv6 address, not empty, and
 * perhaps ":" and a port of 0..65535; no user name. */
bool http_authority_is_valid(struct slice s);

#endif
