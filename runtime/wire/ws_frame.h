/*
 * ws_frame.h - WebSocket frames (RFC 6455, section 5): bytes <-> heads and
 * payload, for either side.
 *
 * Pure and without memory of its own: a connection keeps a struct ws_frame,
 * payload stays in the caller's read buffer and is unmasked there.  Messages
 * are made of frames in ws_message.h.
 *
 *   ws_frame_read --1--> ws_frame_take ... until `left` is 0 --> ws_frame_read
 *
 * Why not wslay, which DESIGN.md names: its event context allocates 8,784
 * bytes for a connection (two blocks of 4.3 KB; mallinfo2 over 10,000
 * contexts of 1.1.1), so that a hibernating socket would either keep nearly
 * six times what it may hold in all or make the context anew for each message.
 * Reading a masked message of 16 bytes and framing its echo takes it 340 to
 * 410 ns with a context that is kept, 815 to 960 ns with one made anew, and
 * this file with ws_message.h 50 to 70 ns (one core, same minutes, no sockets).
 */
#ifndef WIRE_WS_FRAME_H
#define WIRE_WS_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

enum ws_opcode {
    WS_CONTINUATION = 0,
    WS_TEXT = 1,
    WS_BINARY = 2,
    WS_CLOSE = 8,
    WS_PING = 9,
    WS_PONG = 10,
};

/* The rest of a frame's first byte. */
enum { WS_COMPRESSED = 0x40, WS_FIN = 0x80 };

/* Close codes (RFC 6455, section 7.4.1). */
enum ws_code {
    WS_CODE_NORMAL = 1000,
    WS_CODE_GOING_AWAY = 1001,
    WS_CODE_PROTOCOL = 1002,
    WS_CODE_NONE = 1005, /* the close frame has no code; never sent */
    WS_CODE_LOST = 1006, /* there was no close frame; never sent */
    WS_CODE_INVALID = 1007,
    WS_CODE_TOO_BIG = 1009,
    WS_CODE_INTERNAL = 1011,
    WS_CODE_TRY_LATER = 1013,
};

enum {
    WS_FRAME_HEAD_MAX = 14,
    WS_FRAME_CONTROL_MAX = 125, /* payload bytes of close, ping, pong */
    WS_FRAME_REASON_MAX = 123,  /* of a close frame's text */
};

/* Which side reads: what comes to a server is masked, what comes to a client
 * is not. */
enum ws_role { WS_SERVER, WS_CLIENT };

/* Bytes that may be changed in place; borrowed. */
struct ws_bytes {
    char *p;
    size_t n;
};

/* The reading side of one connection.  Zeroed is a server's without
 * compression. */
struct ws_frame {
    uint64_t left;   /* payload bytes of this frame still to come */
    uint8_t first;   /* of this frame: WS_FIN, WS_COMPRESSED, opcode */
    uint8_t role;    /* enum ws_role */
    bool compresses; /* permessage-deflate was agreed: WS_COMPRESSED may come */
    bool in_message; /* a fragmented message awaits its next frame */
    uint8_t key[4];  /* of the mask, the next payload byte's first */
    uint8_t have;    /* bytes in `head` */
    uint8_t head[WS_FRAME_HEAD_MAX]; /* of a frame whose head was cut */
};

void ws_frame_init(struct ws_frame *f, enum ws_role role, bool compresses);

/*
 * Read the next frame's head from the front of `*in`; what was read is cut
 * off.  To be called only while `f->left` is 0.
 *
 * why  set with ERR_PROTO: what is wrong, a static text
 *
 * Returns 1 when the head is complete: `f->first` and `f->left` (0 to 2^63-1)
 * tell what comes.  0 when more bytes are needed; `*in` is used up.
 * ERR_PROTO, as soon as the part that is wrong has come, for all that RFC 6455
 * forbids in a head: a reserved bit or opcode, a control frame that is
 * fragmented or above 125 bytes, a length above 2^63-1 or not in its shortest
 * form, a mask missing or too many, a continuation of nothing, a message
 * within another.  The connection must then be failed with 1002.
 */
int ws_frame_read(struct ws_frame *f, struct ws_bytes *in, const char **why);

/* Cut the payload of this frame that `*in` holds, at most `f->left` bytes, off
 * its front, unmask it where it is and count it.  Empty when there is none. */
struct ws_bytes ws_frame_take(struct ws_frame *f, struct ws_bytes *in);

static inline enum ws_opcode ws_frame_opcode(const struct ws_frame *f)
{
    return (enum ws_opcode)(f->first & 0x0f);
}

static inline bool ws_frame_is_control(const struct ws_frame *f)
{
    return (f->first & 0x08) != 0;
}

/*
 * Write a head to `out`.
 *
 * first  opcode, with WS_FIN and WS_COMPRESSED where they apply
 * n      bytes of payload, at most 2^63-1
 * key    of the mask: a client's; NULL for a server
 *
 * Returns its size: 2 to 10 bytes without a key, 6 to 14 with one.
 */
size_t ws_frame_head(uint8_t out[WS_FRAME_HEAD_MAX], unsigned first, uint64_t n,
                     const uint8_t *key);

/* Mask or unmask `from[0..n)` into `to`, which may be the same; the key's
 * first byte meets the first byte. */
void ws_frame_mask(char *to, const char *from, size_t n, const uint8_t key[4]);

/* Append a whole frame to `out`; parameters as of ws_frame_head. */
void ws_frame_put(struct buf *out, unsigned first, struct slice payload,
                  const uint8_t *key);

/* Append a close frame: `code` of ws_frame_is_code, or WS_CODE_NONE for one
 * without code and reason; a reason above WS_FRAME_REASON_MAX bytes is cut
 * before the character that would not fit. */
void ws_frame_put_close(struct buf *out, int code, struct slice reason,
                        const uint8_t *key);

/* May stand in a close frame: 1000-1003, 1007-1014, 3000-4999. */
bool ws_frame_is_code(int code);

#endif
