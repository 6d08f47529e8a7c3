/*
 * ws_message.h - WebSocket messages out of frames: what a peer's bytes mean,
 * one event at a time.
 *
 * Pure: no sockets, no clock, nothing is sent.  Between messages a connection
 * holds struct ws_message and no heap memory; a message that came cut or
 * compressed has a block of its own until the call after its event.
 *
 *   for (;;)
 *       switch (ws_message_next(m, &in, z, &e)) {
 *       case WS_EVENT_MORE:    read the socket again
 *       case WS_EVENT_TEXT:    e.bytes ...
 */
#ifndef WIRE_WS_MESSAGE_H
#define WIRE_WS_MESSAGE_H

#include "wire/ws_deflate.h"
#include "wire/ws_frame.h"

enum { WS_MESSAGE_MAX = 32 * 1024 * 1024 }; /* bytes of one, API.md */

enum ws_event_kind {
    WS_EVENT_MORE,   /* the input is used up */
    WS_EVENT_TEXT,   /* a message; `bytes` are valid UTF-8 */
    WS_EVENT_BINARY, /* a message */
    WS_EVENT_PING,   /* to be answered with a pong of the same `bytes` */
    WS_EVENT_PONG,
    WS_EVENT_CLOSE, /* `code`, WS_CODE_NONE without one; `bytes`: the reason */
    WS_EVENT_FAIL,  /* close with `code`; `bytes`: what was wrong, static */
};

struct ws_event {
    uint16_t code;
    struct slice bytes; /* borrowed until the next call with the same message,
                           or until the input they came in goes */
};

struct ws_partial; /* ws_message.c */

/* The reading side of one connection. */
struct ws_message {
    struct ws_frame frame;
    struct ws_partial *partial; /* owned; NULL with no message under way */
    uint32_t limit;             /* bytes of a message, after inflating */
    bool is_over;               /* CLOSE or FAIL was told */
};

/* limit  largest message in bytes, below 2^30; past it FAIL with 1009 */
void ws_message_init(struct ws_message *m, enum ws_role role, bool compresses,
                     uint32_t limit);
/* Free what a message under way holds.  `m` may be used again after
 * ws_message_init. */
void ws_message_fini(struct ws_message *m);

/*
 * Read on from the front of `*in` to the next event; what was read is cut off.
 *
 * in   the caller's read buffer; changed in place (unmasked).  A message that
 *      lies in it in one frame, uncompressed, is given without a copy
 * z    of this thread; may be NULL when compression was not agreed
 * out  set unless WS_EVENT_MORE is returned
 *
 * A message is measured before memory is spent on it: as announced by its
 * frames, and again while it is inflated.  It takes memory as it comes, not as
 * it is announced, and no more than the limit, twice when it is compressed.
 * Failures: 1002 (frames, close payload), 1007 (UTF-8, deflate data), 1009
 * (limit), 1011 (no memory).  After CLOSE or FAIL whatever still comes is
 * dropped unread.
 */
enum ws_event_kind ws_message_next(struct ws_message *m, struct ws_bytes *in,
                                   struct ws_deflate *z, struct ws_event *out);

#endif
