/*
 * ws_deflate.h - the compression of permessage-deflate (RFC 7692, section 7.2)
 * by zlib.
 *
 * Both sides agree to keep no context between messages (ws_extension.h), so
 * one struct ws_deflate serves all connections of a thread; no connection has
 * a z_stream of its own.  What is compressed once may be sent to any number of
 * connections with the same window.
 */
#ifndef WIRE_WS_DEFLATE_H
#define WIRE_WS_DEFLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/slice.h"

enum {
    WS_DEFLATE_BITS_MIN = 9, /* of the window: 2^9 bytes; zlib has no 2^8 */
    WS_DEFLATE_BITS_MAX = 15,
    WS_DEFLATE_SIZE_MIN = 64, /* bytes; below, a message goes as it is */
};

struct ws_deflate; /* opaque: ws_deflate.c */

/* One for each thread.  Streams are made at first use: about 150 KB to
 * compress (for each window in use) and 40 KB to inflate. */
struct ws_deflate *ws_deflate_new(void);
void ws_deflate_free(struct ws_deflate *z); /* NULL is allowed */

/*
 * Compress the whole message `in` and append what goes into its frame, which
 * then carries WS_COMPRESSED.
 *
 * bits  of the window that the receiver keeps, 9 to 15
 *
 * Returns false, with `out` as it was, when the message is better sent as it
 * is: it is short, did not shrink, or there is no memory for zlib.
 */
bool ws_deflate_pack(struct ws_deflate *z, int bits, struct slice in,
                     struct buf *out);

/*
 * Inflate the payload `in` of a whole message.
 *
 * limit  bytes; inflation stops there
 * out    set; owned by the caller, empty unless 0 is returned
 *
 * Returns 0, ERR_TOO_BIG, ERR_CORRUPT (not a deflate stream, or cut) or
 * ERR_NOMEM.  Allocates no more than limit + 1 bytes for `out`.
 */
int ws_deflate_unpack(struct ws_deflate *z, struct slice in, size_t limit,
                      struct buf *out);

#endif
