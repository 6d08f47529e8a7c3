/*
 * ws_handshake.h - how a WebSocket begins (RFC 6455, section 4), on either
 * side: fields -> what they ask for or agree on, and back.
 *
 * Pure.  The SHA-1 of the accept value is libcrypto's.
 */
#ifndef WIRE_WS_HANDSHAKE_H
#define WIRE_WS_HANDSHAKE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/message.h"
#include "wire/ws_extension.h"

enum {
    WS_HANDSHAKE_NONCE = 16,  /* random bytes */
    WS_HANDSHAKE_KEY = 24,    /* of them in base64 */
    WS_HANDSHAKE_ACCEPT = 28, /* characters of the answer to it */
    WS_HANDSHAKE_FIELDS = 6,  /* of a client's request */
};

/* ---- Server ---- */

/* What a request for a WebSocket comes to. */
struct ws_handshake {
    int status;       /* 101; or the refusal: 400, 405, 426 */
    const char *text; /* why it is refused, static; NULL with 101 */
    char accept[WS_HANDSHAKE_ACCEPT + 1];
    const char *extensions; /* to answer, static; "" for none */
    uint8_t window_bits;    /* for ws_deflate_pack; 0: no compression agreed */
};

/* The request names "websocket" in Upgrade.  Others are plain HTTP. */
bool ws_handshake_is_wanted(const struct request *rq);

/* Look at a request of HTTP/1.1 that ws_handshake_is_wanted(). */
void ws_handshake_check(const struct request *rq, struct ws_handshake *out);

/* The answer to a refused one, with the fields it needs (426 names the version,
 * 405 the method).  One reference. */
struct response *ws_handshake_refuse(const struct ws_handshake *h);

/* The request offers this sub-protocol (its case counts). */
bool ws_handshake_has_protocol(const struct request *rq, struct slice name);
/* Find the sub-protocol that `rs`, the handler's response to `rq`, chose;
 * borrowed from it, empty without one.  ERR_INVALID with `e` set: several, or
 * one that was not offered. */
int ws_handshake_chosen(const struct request *rq, const struct response *rs,
                        struct slice *out, struct error *e);

/*
 * Append the whole head of the answer to an accepted one to `out`.
 *
 * fields, count  of the handler's response, "Sec-WebSocket-Protocol" among
 *                them if it chose one; what belongs to the handshake, to the
 *                framing, or holds CR, LF or NUL is left out
 * date           value of Date
 */
void ws_handshake_answer(const struct ws_handshake *h,
                         const struct field *fields, uint32_t count,
                         struct slice date, struct buf *out);

/* ---- Client ---- */

/* What a client asks for; kept until the answer is there. */
struct ws_handshake_offer {
    char key[WS_HANDSHAKE_KEY + 1];
    bool compresses;        /* offers permessage-deflate */
    struct slice protocols; /* "chat, superchat", borrowed; may be empty */
};

/* What the server agreed to. */
struct ws_handshake_terms {
    struct slice protocol;  /* borrowed from the answer; empty for none */
    const char *extensions; /* static; "" for none */
    uint8_t window_bits;    /* for ws_deflate_pack; 0: no compression */
};

/* Base64 of `nonce`, random bytes, with a NUL. */
void ws_handshake_key(const uint8_t nonce[WS_HANDSHAKE_NONCE],
                      char out[WS_HANDSHAKE_KEY + 1]);

/* The value that answers `key`, with a NUL. */
void ws_handshake_accept(struct slice key, char out[WS_HANDSHAKE_ACCEPT + 1]);

/* Whether `list` may be offered: tokens between commas, none twice, or
 * nothing. */
bool ws_handshake_is_protocols(struct slice list);

/* Fill `out` with the fields that make a GET a handshake; borrowed from `o`
 * and static.  Returns how many. */
uint32_t ws_handshake_ask(const struct ws_handshake_offer *o,
                          struct field out[WS_HANDSHAKE_FIELDS]);

/*
 * Look at the answer: status and fields.
 *
 * Returns 0, or ERR_PROTO with `e` set (NULL is allowed), which says what was
 * expected and what came: a status other than 101, no Upgrade or Connection,
 * the wrong accept value, a protocol or an extension that was not asked for.
 */
int ws_handshake_read(const struct ws_handshake_offer *o, int status,
                      const struct field *fields, uint32_t count,
                      struct ws_handshake_terms *out, struct error *e);

#endif
