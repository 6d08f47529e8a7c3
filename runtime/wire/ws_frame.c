#include "wire/ws_frame.h"

#include <string.h>

#include "base/err.h"
#include "base/must.h"

enum { RESERVED = 0x30, MASKED = 0x80, LENGTH_16 = 126, LENGTH_64 = 127 };

/* The opcodes that RFC 6455 defines, as a set. */
#define OPCODES                                                                \
    (1u << WS_CONTINUATION | 1u << WS_TEXT | 1u << WS_BINARY |                 \
     1u << WS_CLOSE | 1u << WS_PING | 1u << WS_PONG)

void ws_frame_init(struct ws_frame *f, enum ws_role role, bool compresses)
{
    *f = (struct ws_frame){.role = (uint8_t)role, .compresses = compresses};
}

/* Each check returns what is wrong, or NULL. */

static const char *check_first(const struct ws_frame *f, unsigned first)
{
    unsigned opcode = first & 0x0f;

    if ((first & RESERVED) != 0)
        return "a reserved bit is set";
    if ((first & WS_COMPRESSED) != 0 && !f->compresses)
        return "a compressed frame, and no compression was agreed";
    if ((OPCODES >> opcode & 1) == 0)
        return "a frame with a reserved opcode";
    if ((first & WS_COMPRESSED) != 0 && opcode != WS_TEXT &&
        opcode != WS_BINARY)
        return "a compressed frame that does not begin a message";
    if (opcode >= WS_CLOSE)
        return (first & WS_FIN) != 0 ? NULL : "a fragmented control frame";
    if (f->in_message != (opcode == WS_CONTINUATION))
        return f->in_message ? "a message inside a fragmented message"
                             : "a continuation frame outside a message";
    return NULL;
}

static const char *check_second(const struct ws_frame *f, unsigned first,
                                unsigned second)
{
    bool is_masked = (second & MASKED) != 0;

    if (is_masked != (f->role == WS_SERVER))
        return is_masked ? "a masked frame from a server"
                         : "an unmasked frame from a client";
    if (first & 0x08 && (second & 0x7f) > WS_FRAME_CONTROL_MAX)
        return "a control frame of more than 125 bytes";
    return NULL;
}

static const char *check_length(size_t size, uint64_t length)
{
    if (size == 2 && length < LENGTH_16)
        return "a length not in its shortest form";
    if (size == 8 && length <= UINT16_MAX)
        return "a length not in its shortest form";
    return length > INT64_MAX ? "a length above 2^63-1" : NULL;
}

static uint64_t read_be(const uint8_t *p, size_t n)
{
    uint64_t value = 0;

    for (size_t i = 0; i < n; i++)
        value = value << 8 | p[i];
    return value;
}

/* As ws_frame_read, of `p[0..n)` with n > 0; returns the head's size. */
static int parse(struct ws_frame *f, const uint8_t *p, size_t n,
                 const char **why)
{
    *why = check_first(f, p[0]);
    if (*why == NULL && n >= 2)
        *why = check_second(f, p[0], p[1]);
    if (*why != NULL)
        return ERR_PROTO;
    if (n < 2)
        return 0;
    unsigned shown = p[1] & 0x7f;
    size_t more = shown < LENGTH_16 ? 0 : shown == LENGTH_16 ? 2 : 8;
    size_t size = 2 + more + (f->role == WS_SERVER ? 4 : 0);

    if (n < 2 + more)
        return 0;
    uint64_t length = more == 0 ? shown : read_be(p + 2, more);

    *why = check_length(more, length);
    if (*why != NULL)
        return ERR_PROTO;
    if (n < size)
        return 0;
    f->first = p[0];
    f->left = length;
    if (f->role == WS_SERVER)
        memcpy(f->key, p + 2 + more, sizeof(f->key));
    if (!ws_frame_is_control(f))
        f->in_message = (p[0] & WS_FIN) == 0;
    return (int)size;
}

static void cut(struct ws_bytes *in, size_t n)
{
    in->p += n;
    in->n -= n;
}

int ws_frame_read(struct ws_frame *f, struct ws_bytes *in, const char **why)
{
    const uint8_t *p = (const uint8_t *)in->p;
    size_t n = in->n;
    size_t had = f->have;

    MUST(f->left == 0);
    *why = NULL;
    if (n == 0)
        return 0;
    if (had != 0) {
        n = n < sizeof(f->head) - had ? n : sizeof(f->head) - had;
        memcpy(f->head + had, p, n);
        p = f->head;
        n += had;
    }
    int size = parse(f, p, n, why);

    if (size < 0)
        return size;
    f->have = 0;
    if (size > 0) {
        cut(in, (size_t)size - had);
        return 1;
    }
    if (had == 0)
        memcpy(f->head, p, n);
    f->have = (uint8_t)n;
    cut(in, in->n);
    return 0;
}

struct ws_bytes ws_frame_take(struct ws_frame *f, struct ws_bytes *in)
{
    struct ws_bytes piece = {in->p, in->n < f->left ? in->n : (size_t)f->left};
    uint8_t key[4];

    if (f->role == WS_SERVER && piece.n != 0) {
        ws_frame_mask(piece.p, piece.p, piece.n, f->key);
        for (size_t i = 0; i < 4; i++)
            key[i] = f->key[(piece.n + i) & 3];
        memcpy(f->key, key, sizeof(key));
    }
    f->left -= piece.n;
    cut(in, piece.n);
    return piece;
}

size_t ws_frame_head(uint8_t out[WS_FRAME_HEAD_MAX], unsigned first, uint64_t n,
                     const uint8_t *key)
{
    unsigned mask = key != NULL ? MASKED : 0;
    size_t more = n < LENGTH_16 ? 0 : n <= UINT16_MAX ? 2 : 8;
    size_t size = 2;

    out[0] = (uint8_t)first;
    if (more == 0)
        out[1] = (uint8_t)(mask | n);
    else
        out[1] = (uint8_t)(mask | (more == 2 ? LENGTH_16 : LENGTH_64));
    for (size_t i = more; i > 0; i--)
        out[size++] = (uint8_t)(n >> 8 * (i - 1));
    if (key != NULL) {
        memcpy(out + size, key, 4);
        size += 4;
    }
    return size;
}

/* Eight bytes at a time, four times over: compilers make vectors of it. */
void ws_frame_mask(char *to, const char *from, size_t n, const uint8_t key[4])
{
    uint64_t wide = 0;
    size_t i = 0;

    memcpy(&wide, key, 4);
    memcpy((char *)&wide + 4, key, 4);
    for (; n - i >= 32; i += 32) {
        uint64_t w[4];

        memcpy(w, from + i, sizeof(w));
        for (size_t k = 0; k < 4; k++)
            w[k] ^= wide;
        memcpy(to + i, w, sizeof(w));
    }
    for (; n - i >= 8; i += 8) {
        uint64_t w = 0;

        memcpy(&w, from + i, sizeof(w));
        w ^= wide;
        memcpy(to + i, &w, sizeof(w));
    }
    for (; i < n; i++)
        to[i] = (char)(from[i] ^ key[i & 3]);
}

void ws_frame_put(struct buf *out, unsigned first, struct slice payload,
                  const uint8_t *key)
{
    char *at = buf_room(out, WS_FRAME_HEAD_MAX + payload.n);
    size_t size = ws_frame_head((uint8_t *)at, first, payload.n, key);

    if (key != NULL)
        ws_frame_mask(at + size, payload.p, payload.n, key);
    else if (payload.n != 0)
        memcpy(at + size, payload.p, payload.n);
    out->n += size + payload.n;
}

void ws_frame_put_close(struct buf *out, int code, struct slice reason,
                        const uint8_t *key)
{
    char payload[WS_FRAME_CONTROL_MAX];
    size_t n = reason.n;

    if (code == WS_CODE_NONE) {
        ws_frame_put(out, WS_FIN | WS_CLOSE, (struct slice){0}, key);
        return;
    }
    MUST(code >= 0 && code <= UINT16_MAX);
    if (n > WS_FRAME_REASON_MAX) {
        n = WS_FRAME_REASON_MAX;
        while (n > 0 && (reason.p[n] & 0xc0) == 0x80)
            n--;
    }
    payload[0] = (char)(code >> 8);
    payload[1] = (char)code;
    if (n != 0)
        memcpy(payload + 2, reason.p, n);
    ws_frame_put(out, WS_FIN | WS_CLOSE, (struct slice){payload, n + 2}, key);
}

bool ws_frame_is_code(int code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}
