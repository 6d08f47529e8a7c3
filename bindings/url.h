/*
 * url.h - urls and percent-encoding: pure functions on bytes, and the tables
 * made from a query.
 */
#ifndef BINDINGS_URL_H
#define BINDINGS_URL_H

#include <lua.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

/* The parts of an absolute url, as they stand in it; borrowed from it.
 * p == NULL: not there. */
struct url {
    struct slice scheme; /* "http" */
    struct slice user;   /* before '@', without the password */
    struct slice password;
    struct slice host;     /* without the port; "[::1]" with its brackets */
    int port;              /* as written, else the scheme's, else 0 */
    struct slice path;     /* from '/' on; may be empty */
    struct slice query;    /* without '?' */
    struct slice fragment; /* without '#' */
};

/* ERR_INVALID with what was expected and the byte offset. */
int url_split(struct slice text, struct url *out, struct error *err);
/* 80 for http and ws, 443 for https and wss, else -1. */
int url_default_port(struct slice scheme);
/*
 * Append the url that a request may have: scheme and host in lower case, no
 * default port, a path, no fragment; what must not stand in a request line is
 * percent-encoded.  A text that begins with '/' is one of http://object.
 * `*target` gets the offset in `out` where the path begins.  ERR_INVALID: no
 * http or https url, control characters, a user name.
 */
int url_normal(struct slice text, struct buf *out, size_t *target,
               struct error *err);

/* The path of a request target, without its query. */
struct slice url_path(struct slice target);
/* Its query, empty without one. */
struct slice url_query(struct slice target);

enum url_plus { URL_PLUS_IS_PLUS, URL_PLUS_IS_SPACE };

/* Append `s` with its %XX decoded; what is no %XX stays as it is.  Returns
 * the offset of the first such place, or s.n. */
size_t url_decode(struct slice s, enum url_plus plus, struct buf *out);
/* Append `s`, all but letters, digits and -._~ as %XX. */
void url_encode(struct slice s, struct buf *out);

/* Take the next `name=value` off `*rest` (still encoded).  False at the end;
 * empty pieces are skipped. */
bool url_next_pair(struct slice *rest, struct slice *name, struct slice *value);

enum url_values { URL_FIRST, URL_ALL };

/* Push a table name -> first value, or name -> array of values, of a query or
 * an urlencoded form. [raises] */
void url_push_pairs(lua_State *L, struct slice query, enum url_values values);

#endif
