#include "wire/ws_message.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/must.h"
#include "wire/ws_utf8.h"

/* Memory taken for a frame before its bytes are there. */
enum { AHEAD_MAX = 16 * 1024 };

/* What the last event borrows. */
enum told { TOLD_NOTHING, TOLD_CONTROL, TOLD_MESSAGE };

/* Of a message or a control frame that did not come in one piece. */
struct ws_partial {
    struct buf data;   /* of the message so far, as it came */
    uint8_t opcode;    /* of the message; 0: none is under way */
    bool is_packed;    /* `data` is compressed */
    uint8_t told;      /* enum told */
    uint8_t control_n; /* bytes in `control` */
    struct ws_utf8 utf8;
    char control[WS_FRAME_CONTROL_MAX];
};

void ws_message_init(struct ws_message *m, enum ws_role role, bool compresses,
                     uint32_t limit)
{
    MUST(limit < 1u << 30);
    *m = (struct ws_message){.limit = limit};
    ws_frame_init(&m->frame, role, compresses);
}

void ws_message_fini(struct ws_message *m)
{
    if (m->partial == NULL)
        return;
    buf_fini(&m->partial->data);
    free(m->partial);
    m->partial = NULL;
}

/* Give back what the last event borrowed. */
static void release(struct ws_message *m)
{
    struct ws_partial *t = m->partial;

    if (t == NULL)
        return;
    if (t->told == TOLD_CONTROL)
        t->control_n = 0;
    if (t->told == TOLD_MESSAGE)
        t->opcode = 0;
    t->told = TOLD_NOTHING;
    if (m->is_over || (t->opcode == 0 && t->control_n == 0))
        ws_message_fini(m);
}

static enum ws_event_kind fail(struct ws_message *m, struct ws_event *out,
                               enum ws_code code, const char *text)
{
    *out = (struct ws_event){(uint16_t)code, slice_of(text)};
    m->is_over = true;
    ws_message_fini(m);
    return WS_EVENT_FAIL;
}

static enum ws_event_kind fail_memory(struct ws_message *m,
                                      struct ws_event *out)
{
    return fail(m, out, WS_CODE_INTERNAL, "out of memory");
}

static enum ws_event_kind fail_utf8(struct ws_message *m, struct ws_event *out)
{
    return fail(m, out, WS_CODE_INVALID, "a text message that is not UTF-8");
}

static enum ws_event_kind fail_size(struct ws_message *m, struct ws_event *out)
{
    return fail(m, out, WS_CODE_TOO_BIG, "a message above the allowed size");
}

/* Returns NULL without memory. */
static struct ws_partial *partial_of(struct ws_message *m)
{
    if (m->partial == NULL)
        m->partial = calloc(1, sizeof(*m->partial));
    return m->partial;
}

static bool is_text(const struct ws_partial *t)
{
    return t->opcode == WS_TEXT;
}

/* Bytes that a message may have on the wire: deflate makes what it cannot
 * shrink a little longer. */
static uint64_t wire_limit(const struct ws_message *m, bool is_packed)
{
    uint64_t limit = m->limit;

    return is_packed ? limit + limit / 64 + 1024 : limit;
}

/* A data frame begins: is there room for it in its message? */
static bool has_room(const struct ws_message *m)
{
    bool is_packed = (m->frame.first & WS_COMPRESSED) != 0;
    uint64_t used = 0;

    if (m->partial != NULL && m->partial->opcode != 0) {
        is_packed = m->partial->is_packed;
        used = m->partial->data.n;
    }
    return m->frame.left <= wire_limit(m, is_packed) - used;
}

/* Make room for `n` more bytes.  What the frame has yet to bring decides how
 * far ahead; never past what the message may come to. */
static bool reserve(const struct ws_message *m, struct buf *b, size_t n)
{
    uint64_t left = m->frame.left;
    uint64_t need = b->n + n;
    uint64_t cap = need + (left < AHEAD_MAX ? left : AHEAD_MAX);
    uint64_t most = (m->frame.first & WS_FIN) != 0
                        ? need + left
                        : wire_limit(m, m->partial->is_packed);

    if (need <= b->cap)
        return true;
    cap = cap > b->cap * 2 ? cap : b->cap * 2;
    cap = cap < most ? cap : most;
    char *p = realloc(b->p, (size_t)cap);

    if (p == NULL)
        return false;
    b->p = p;
    b->cap = (size_t)cap;
    return true;
}

static bool append(const struct ws_message *m, struct ws_bytes piece)
{
    struct buf *b = &m->partial->data;

    if (piece.n == 0)
        return true;
    if (!reserve(m, b, piece.n))
        return false;
    memcpy(b->p + b->n, piece.p, piece.n);
    b->n += piece.n;
    return true;
}

static enum ws_event_kind tell(struct ws_event *out, enum ws_opcode opcode,
                               struct slice bytes)
{
    *out = (struct ws_event){.bytes = bytes};
    return opcode == WS_TEXT ? WS_EVENT_TEXT : WS_EVENT_BINARY;
}

/* The whole message lies in `bytes`, uncompressed. */
static enum ws_event_kind tell_whole(struct ws_message *m, struct slice bytes,
                                     struct ws_event *out)
{
    enum ws_opcode opcode = ws_frame_opcode(&m->frame);

    if (opcode == WS_TEXT && !ws_utf8_is_valid(bytes.p, bytes.n))
        return fail_utf8(m, out);
    return tell(out, opcode, bytes);
}

/* The message is complete in m->partial. */
static enum ws_event_kind tell_partial(struct ws_message *m,
                                       struct ws_event *out)
{
    struct ws_partial *t = m->partial;

    t->told = TOLD_MESSAGE;
    return tell(out, (enum ws_opcode)t->opcode, buf_slice(&t->data));
}

/* The whole message lies in `bytes`, compressed; what it inflates to becomes
 * the partial's data. */
static enum ws_event_kind tell_packed(struct ws_message *m, struct slice bytes,
                                      struct ws_deflate *z,
                                      struct ws_event *out)
{
    struct ws_partial *t = m->partial;
    struct buf plain = {0};

    MUST(z != NULL);
    int rc = ws_deflate_unpack(z, bytes, m->limit, &plain);

    if (rc == ERR_TOO_BIG)
        return fail_size(m, out);
    if (rc == ERR_NOMEM)
        return fail_memory(m, out);
    if (rc != 0)
        return fail(m, out, WS_CODE_INVALID, "compressed data is damaged");
    buf_fini(&t->data);
    t->data = plain;
    if (is_text(t) && !ws_utf8_is_valid(plain.p, plain.n))
        return fail_utf8(m, out);
    return tell_partial(m, out);
}

/* The first piece of a message that has to be kept. */
static struct ws_partial *begin(struct ws_message *m)
{
    struct ws_partial *t = partial_of(m);

    if (t != NULL && t->opcode == 0) {
        t->opcode = (uint8_t)ws_frame_opcode(&m->frame);
        t->is_packed = (m->frame.first & WS_COMPRESSED) != 0;
    }
    return t;
}

/* Keep `piece`; at the end of the message tell it. */
static enum ws_event_kind collect(struct ws_message *m, struct ws_bytes piece,
                                  struct ws_deflate *z, struct ws_event *out)
{
    struct ws_partial *t = begin(m);

    if (t == NULL)
        return fail_memory(m, out);
    if (is_text(t) && !t->is_packed && !ws_utf8_add(&t->utf8, piece.p, piece.n))
        return fail_utf8(m, out);
    if (!append(m, piece))
        return fail_memory(m, out);
    if (m->frame.left != 0 || (m->frame.first & WS_FIN) == 0)
        return WS_EVENT_MORE;
    if (t->is_packed)
        return tell_packed(m, buf_slice(&t->data), z, out);
    if (is_text(t) && !ws_utf8_may_end(&t->utf8))
        return fail_utf8(m, out);
    return tell_partial(m, out);
}

static enum ws_event_kind on_data(struct ws_message *m, struct ws_bytes *in,
                                  struct ws_deflate *z, struct ws_event *out)
{
    struct ws_bytes piece = ws_frame_take(&m->frame, in);
    bool is_last = (m->frame.first & WS_FIN) != 0 && m->frame.left == 0;

    if (piece.n == 0 && m->frame.left != 0)
        return WS_EVENT_MORE;
    if (m->partial != NULL || !is_last)
        return collect(m, piece, z, out);
    if ((m->frame.first & WS_COMPRESSED) == 0)
        return tell_whole(m, (struct slice){piece.p, piece.n}, out);
    if (begin(m) == NULL)
        return fail_memory(m, out);
    return tell_packed(m, (struct slice){piece.p, piece.n}, z, out);
}

static enum ws_event_kind on_close(struct ws_message *m, struct slice payload,
                                   struct ws_event *out)
{
    const uint8_t *p = (const uint8_t *)payload.p;

    m->is_over = true;
    *out = (struct ws_event){.code = WS_CODE_NONE};
    if (payload.n == 0)
        return WS_EVENT_CLOSE;
    if (payload.n == 1)
        return fail(m, out, WS_CODE_PROTOCOL, "a close frame of one byte");
    out->code = (uint16_t)(p[0] << 8 | p[1]);
    out->bytes = (struct slice){payload.p + 2, payload.n - 2};
    if (!ws_frame_is_code(out->code))
        return fail(m, out, WS_CODE_PROTOCOL,
                    "a close code that must not be sent");
    if (!ws_utf8_is_valid(out->bytes.p, out->bytes.n))
        return fail(m, out, WS_CODE_INVALID,
                    "a close reason that is not UTF-8");
    return WS_EVENT_CLOSE;
}

static enum ws_event_kind
tell_control(struct ws_message *m, struct slice payload, struct ws_event *out)
{
    enum ws_opcode opcode = ws_frame_opcode(&m->frame);

    if (opcode == WS_CLOSE)
        return on_close(m, payload, out);
    *out = (struct ws_event){.bytes = payload};
    return opcode == WS_PING ? WS_EVENT_PING : WS_EVENT_PONG;
}

static enum ws_event_kind on_control(struct ws_message *m, struct ws_bytes *in,
                                     struct ws_event *out)
{
    struct ws_bytes piece = ws_frame_take(&m->frame, in);
    struct ws_partial *t = m->partial;

    if (piece.n == 0 && m->frame.left != 0)
        return WS_EVENT_MORE;
    if (m->frame.left == 0 && (t == NULL || t->control_n == 0))
        return tell_control(m, (struct slice){piece.p, piece.n}, out);
    t = partial_of(m);
    if (t == NULL)
        return fail_memory(m, out);
    MUST(t->control_n + piece.n <= sizeof(t->control));
    memcpy(t->control + t->control_n, piece.p, piece.n);
    t->control_n = (uint8_t)(t->control_n + piece.n);
    if (m->frame.left != 0)
        return WS_EVENT_MORE;
    t->told = TOLD_CONTROL;
    return tell_control(m, (struct slice){t->control, t->control_n}, out);
}

/* Read a head and see whether its frame is allowed here.  Returns 1, 0 when
 * more bytes are needed, or ERR_PROTO with `*out` set. */
static int next_frame(struct ws_message *m, struct ws_bytes *in,
                      struct ws_event *out)
{
    const char *why = NULL;
    int rc = ws_frame_read(&m->frame, in, &why);

    if (rc < 0)
        fail(m, out, WS_CODE_PROTOCOL, why);
    if (rc <= 0 || ws_frame_is_control(&m->frame) || has_room(m))
        return rc;
    fail_size(m, out);
    return ERR_PROTO;
}

enum ws_event_kind ws_message_next(struct ws_message *m, struct ws_bytes *in,
                                   struct ws_deflate *z, struct ws_event *out)
{
    enum ws_event_kind kind = WS_EVENT_MORE;

    release(m);
    while (kind == WS_EVENT_MORE && in->n != 0 && !m->is_over) {
        int rc = m->frame.left != 0 ? 1 : next_frame(m, in, out);

        if (rc < 0)
            kind = WS_EVENT_FAIL;
        else if (rc > 0 && ws_frame_is_control(&m->frame))
            kind = on_control(m, in, out);
        else if (rc > 0)
            kind = on_data(m, in, z, out);
    }
    if (kind == WS_EVENT_MORE)
        *in = (struct ws_bytes){in->p + in->n, 0};
    return kind;
}
