#include "wire/ws_deflate.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"

/* The loop's thread compresses, so it is done fast: on JSON level 1 takes a
 * third of the time of zlib's default for a result up to a fifth larger at
 * 64 KB, and much the same for less than 1 KB.  There most of the time goes
 * into clearing the hash table, which the memory level keeps small. */
enum {
    LEVEL = 1,
    MEM_LEVEL = 5,
    WINDOWS = WS_DEFLATE_BITS_MAX - WS_DEFLATE_BITS_MIN + 1,
    GUESS = 4,        /* plain bytes for one compressed byte, at first */
    PLAIN_MIN = 256,  /* bytes first allocated to inflate into */
    AT_BLOCK = 128,   /* in data_type: between two blocks (zlib.h, inflate) */
    BITS_LEFT = 0x3f, /* in data_type: bits not used yet */
};

/* What an empty stored block, to which a flush fills up, ends with; the sender
 * leaves it out. */
static const char tail[4] = {0, 0, '\xff', '\xff'};

/* A stream that is made at first use: `state` is NULL before. */
struct ws_deflate {
    z_stream inflater;
    z_stream deflaters[WINDOWS]; /* by window bits */
};

struct ws_deflate *ws_deflate_new(void)
{
    return mem_zalloc(sizeof(struct ws_deflate));
}

void ws_deflate_free(struct ws_deflate *z)
{
    if (z == NULL)
        return;
    /* Both refuse a stream that was never made, and nothing else happens. */
    inflateEnd(&z->inflater);
    for (size_t i = 0; i < WINDOWS; i++)
        deflateEnd(&z->deflaters[i]);
    free(z);
}

/* Ready for a message, or NULL without memory. */
static z_stream *deflater(struct ws_deflate *z, int bits)
{
    z_stream *s = &z->deflaters[bits - WS_DEFLATE_BITS_MIN];

    if (s->state != NULL)
        return deflateReset(s) == Z_OK ? s : NULL;
    return deflateInit2(s, LEVEL, Z_DEFLATED, -bits, MEM_LEVEL,
                        Z_DEFAULT_STRATEGY) == Z_OK
               ? s
               : NULL;
}

bool ws_deflate_pack(struct ws_deflate *z, int bits, struct slice in,
                     struct buf *out)
{
    MUST(bits >= WS_DEFLATE_BITS_MIN && bits <= WS_DEFLATE_BITS_MAX);
    if (in.n < WS_DEFLATE_SIZE_MIN || in.n > INT_MAX)
        return false;
    z_stream *s = deflater(z, bits);

    if (s == NULL)
        return false;
    /* One byte of this room left over shows that the flush was completed and
     * that the message is shorter than it was. */
    size_t room = in.n + sizeof(tail);

    s->next_in = (Bytef *)(uintptr_t)in.p;
    s->avail_in = (uInt)in.n;
    s->next_out = (Bytef *)buf_room(out, room);
    s->avail_out = (uInt)room;
    if (deflate(s, Z_SYNC_FLUSH) != Z_OK || s->avail_out == 0)
        return false;
    out->n += room - s->avail_out - sizeof(tail);
    return true;
}

/* Room for more plain bytes, up to one above the limit. */
static int grow(z_stream *s, size_t limit, struct buf *out)
{
    size_t cap = out->cap * 2 < limit + 1 ? out->cap * 2 : limit + 1;

    if (out->cap > limit)
        return ERR_TOO_BIG;
    char *p = realloc(out->p, cap);

    if (p == NULL)
        return ERR_NOMEM;
    s->next_out = (Bytef *)p + out->cap;
    s->avail_out = (uInt)(cap - out->cap);
    out->p = p;
    out->cap = cap;
    return 0;
}

/*
 * Inflate all of `in`.  A block may be marked as the last one; what follows it
 * is a stream of its own (RFC 7692, section 7.2.3.4).
 *
 * Returns 1 when the input ended with such a block, 0 when not, or ERR_*.
 */
static int inflate_all(z_stream *s, struct slice in, size_t limit,
                       struct buf *out)
{
    s->next_in = (Bytef *)(uintptr_t)in.p;
    s->avail_in = (uInt)in.n;
    for (;;) {
        int rc = s->avail_out == 0 ? grow(s, limit, out) : 0;

        if (rc != 0)
            return rc;
        rc = inflate(s, Z_SYNC_FLUSH);
        if (rc == Z_STREAM_END && s->avail_in == 0)
            return 1;
        if (rc == Z_STREAM_END)
            rc = inflateReset(s);
        if (rc == Z_MEM_ERROR)
            return ERR_NOMEM;
        if (rc != Z_OK && rc != Z_BUF_ERROR)
            return ERR_CORRUPT;
        if (s->avail_in == 0 && s->avail_out != 0)
            return 0;
    }
}

static int unpack(z_stream *s, struct slice in, size_t limit, struct buf *out)
{
    int rc = inflate_all(s, in, limit, out);

    if (rc == 0)
        rc = inflate_all(s, (struct slice){tail, sizeof(tail)}, limit, out);
    if (rc == 0 && (s->data_type & (AT_BLOCK | BITS_LEFT)) != AT_BLOCK)
        rc = ERR_CORRUPT; /* cut within a block */
    if (rc < 0)
        return rc;
    out->n = out->cap - s->avail_out;
    return out->n > limit ? ERR_TOO_BIG : 0;
}

/* Ready for a message, or NULL without memory.  The largest window reads what
 * was made with any. */
static z_stream *inflater(struct ws_deflate *z)
{
    z_stream *s = &z->inflater;

    if (s->state != NULL)
        return inflateReset(s) == Z_OK ? s : NULL;
    return inflateInit2(s, -WS_DEFLATE_BITS_MAX) == Z_OK ? s : NULL;
}

int ws_deflate_unpack(struct ws_deflate *z, struct slice in, size_t limit,
                      struct buf *out)
{
    size_t cap = in.n * GUESS > PLAIN_MIN ? in.n * GUESS : PLAIN_MIN;
    z_stream *s = inflater(z);

    *out = (struct buf){0};
    MUST(in.n <= INT_MAX && limit < INT_MAX);
    if (s == NULL)
        return ERR_NOMEM;
    if (in.n == 0)
        return 0; /* some send nothing at all for an empty message */
    out->cap = cap <= limit ? cap : limit + 1;
    out->p = malloc(out->cap);
    if (out->p == NULL) {
        out->cap = 0;
        return ERR_NOMEM;
    }
    s->next_out = (Bytef *)out->p;
    s->avail_out = (uInt)out->cap;
    int rc = unpack(s, in, limit, out);

    if (rc != 0)
        buf_fini(out);
    return rc;
}
