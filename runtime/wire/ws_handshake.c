#include "wire/ws_handshake.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <string.h>

#include "base/must.h"
#include "wire/http_list.h"
#include "wire/http_reply.h"

/* RFC 6455, section 1.3. */
#define ACCEPT_SALT "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

void ws_handshake_key(const uint8_t nonce[WS_HANDSHAKE_NONCE],
                      char out[WS_HANDSHAKE_KEY + 1])
{
    EVP_EncodeBlock((unsigned char *)out, nonce, WS_HANDSHAKE_NONCE);
}

void ws_handshake_accept(struct slice key, char out[WS_HANDSHAKE_ACCEPT + 1])
{
    unsigned char text[WS_HANDSHAKE_KEY + sizeof(ACCEPT_SALT)];
    unsigned char digest[SHA_DIGEST_LENGTH];

    MUST(key.n == WS_HANDSHAKE_KEY);
    memcpy(text, key.p, key.n);
    memcpy(text + key.n, ACCEPT_SALT, sizeof(ACCEPT_SALT));
    MUST(SHA1(text, sizeof(text) - 1, digest) != NULL);
    EVP_EncodeBlock((unsigned char *)out, digest, sizeof(digest));
}

/* How many fields of that name there are; `*last` is the last one's value. */
static uint32_t find(const struct field *fields, uint32_t count,
                     struct slice name, struct slice *last)
{
    uint32_t found = 0;

    *last = (struct slice){0};
    for (uint32_t i = 0; i < count; i++) {
        if (slice_eq_nocase(fields[i].name, name)) {
            *last = fields[i].value;
            found++;
        }
    }
    return found;
}

/* ---- Server ---- */

bool ws_handshake_is_wanted(const struct request *rq)
{
    return http_list_has(rq->fields, rq->field_count, SLICE("upgrade"),
                         SLICE("websocket"));
}

static bool is_base64(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '+' || c == '/';
}

/* Base64 of 16 bytes: 22 characters, the last of them with four bits that are
 * zero, and two fill characters. */
static bool is_key(struct slice key)
{
    if (key.n != WS_HANDSHAKE_KEY || memcmp(key.p + 22, "==", 2) != 0)
        return false;
    for (size_t i = 0; i < 21; i++) {
        if (!is_base64(key.p[i]))
            return false;
    }
    char last = key.p[21];

    return last == 'A' || last == 'Q' || last == 'g' || last == 'w';
}

static void refuse(struct ws_handshake *h, int status, const char *text)
{
    h->status = status;
    h->text = text;
}

static void check_key(const struct request *rq, struct ws_handshake *h)
{
    struct slice key;
    uint32_t keys =
        find(rq->fields, rq->field_count, SLICE("sec-websocket-key"), &key);

    if (keys != 1)
        refuse(h, 400,
               keys == 0 ? "no Sec-WebSocket-Key"
                         : "more than one Sec-WebSocket-Key");
    else if (!is_key(key))
        refuse(h, 400, "Sec-WebSocket-Key is not 16 bytes in base64");
    else
        ws_handshake_accept(key, h->accept);
}

static void check_extensions(const struct request *rq, struct ws_handshake *h)
{
    int bits = ws_extension_choose(rq->fields, rq->field_count, &h->extensions);

    if (bits < 0)
        refuse(h, 400, "Sec-WebSocket-Extensions is malformed");
    else
        h->window_bits = (uint8_t)bits;
}

void ws_handshake_check(const struct request *rq, struct ws_handshake *out)
{
    struct slice version;
    uint32_t versions = find(rq->fields, rq->field_count,
                             SLICE("sec-websocket-version"), &version);

    *out = (struct ws_handshake){.status = 101, .extensions = ""};
    if (!slice_eq(rq->method, SLICE("GET")))
        refuse(out, 405, "a WebSocket begins with GET");
    else if (rq->body != NULL)
        refuse(out, 400, "a WebSocket's request has no body");
    else if (!ws_handshake_is_wanted(rq))
        refuse(out, 426, "no Upgrade to websocket");
    else if (!http_list_has(rq->fields, rq->field_count, SLICE("connection"),
                            SLICE("upgrade")))
        refuse(out, 400, "no 'upgrade' in Connection");
    else if (versions != 1 || !slice_eq(version, SLICE("13")))
        refuse(out, 426, "Sec-WebSocket-Version must be 13");
    else
        check_key(rq, out);
    if (out->status == 101)
        check_extensions(rq, out);
}

struct response *ws_handshake_refuse(const struct ws_handshake *h)
{
    struct field fields[4] = {
        {SLICE("Content-Type"), SLICE("text/plain;charset=UTF-8")}};
    struct response src = {
        .status = h->status, .field_count = 1, .fields = fields};

    if (h->status == 405)
        fields[src.field_count++] =
            (struct field){SLICE("Allow"), SLICE("GET")};
    if (h->status == 426) {
        fields[src.field_count++] =
            (struct field){SLICE("Upgrade"), SLICE("websocket")};
        fields[src.field_count++] =
            (struct field){SLICE("Sec-WebSocket-Version"), SLICE("13")};
    }
    src.body = body_from(h->text, strlen(h->text));
    return response_build(&src);
}

static bool list_has(struct slice list, struct slice name)
{
    struct slice element;

    while (http_list_next(&list, ',', &element)) {
        if (slice_eq(element, name))
            return true;
    }
    return false;
}

bool ws_handshake_has_protocol(const struct request *rq, struct slice name)
{
    for (uint32_t i = 0; i < rq->field_count; i++) {
        const struct field *f = &rq->fields[i];

        if (slice_eq_nocase(f->name, SLICE("sec-websocket-protocol")) &&
            list_has(f->value, name))
            return http_list_is_token(name);
    }
    return false;
}

int ws_handshake_chosen(const struct request *rq, const struct response *rs,
                        struct slice *out, struct error *e)
{
    const struct field *found = NULL;

    *out = (struct slice){0};
    for (uint32_t i = 0; i < rs->field_count; i++) {
        const struct field *f = &rs->fields[i];

        if (!slice_eq_nocase(f->name, SLICE("sec-websocket-protocol")))
            continue;
        if (found != NULL)
            return error_set(e, ERR_INVALID,
                             "expected one Sec-WebSocket-Protocol in the "
                             "answer, got several");
        found = f;
    }
    if (found == NULL)
        return 0;
    *out = found->value;
    if (ws_handshake_has_protocol(rq, found->value))
        return 0;
    return error_set(e, ERR_INVALID,
                     "expected Sec-WebSocket-Protocol to be one that the "
                     "client offered, got \"%.*s\"",
                     (int)found->value.n, found->value.p);
}

/* The field of that name in the answer is ours alone. */
static bool is_ours(struct slice name)
{
    return http_reply_is_framing(name) ||
           slice_eq_nocase(name, SLICE("upgrade")) ||
           slice_eq_nocase(name, SLICE("sec-websocket-accept")) ||
           slice_eq_nocase(name, SLICE("sec-websocket-extensions")) ||
           slice_eq_nocase(name, SLICE("sec-websocket-key")) ||
           slice_eq_nocase(name, SLICE("sec-websocket-version"));
}

static void put_field(struct buf *out, struct slice name, struct slice value)
{
    buf_add_slice(out, name);
    buf_add_text(out, ": ");
    buf_add_slice(out, value);
    buf_add_text(out, "\r\n");
}

void ws_handshake_answer(const struct ws_handshake *h,
                         const struct field *fields, uint32_t count,
                         struct slice date, struct buf *out)
{
    buf_add_text(out, "HTTP/1.1 101 Switching Protocols\r\n");
    put_field(out, SLICE("Date"), date);
    put_field(out, SLICE("Upgrade"), SLICE("websocket"));
    put_field(out, SLICE("Connection"), SLICE("Upgrade"));
    put_field(out, SLICE("Sec-WebSocket-Accept"), slice_of(h->accept));
    if (h->extensions[0] != '\0')
        put_field(out, SLICE("Sec-WebSocket-Extensions"),
                  slice_of(h->extensions));
    for (uint32_t i = 0; i < count; i++) {
        const struct field *f = &fields[i];

        if (!is_ours(f->name) && http_reply_is_safe(f->name) &&
            http_reply_is_safe(f->value))
            put_field(out, f->name, f->value);
    }
    buf_add_text(out, "\r\n");
}

/* ---- Client ---- */

bool ws_handshake_is_protocols(struct slice list)
{
    struct slice rest = list;
    struct slice name;

    if (list.n == 0)
        return true;
    while (http_list_next(&rest, ',', &name)) {
        if (!http_list_is_token(name) || list_has(rest, name))
            return false;
    }
    return true;
}

uint32_t ws_handshake_ask(const struct ws_handshake_offer *o,
                          struct field out[WS_HANDSHAKE_FIELDS])
{
    uint32_t n = 0;

    out[n++] = (struct field){SLICE("Upgrade"), SLICE("websocket")};
    out[n++] = (struct field){SLICE("Connection"), SLICE("Upgrade")};
    out[n++] = (struct field){SLICE("Sec-WebSocket-Key"), slice_of(o->key)};
    out[n++] = (struct field){SLICE("Sec-WebSocket-Version"), SLICE("13")};
    if (o->compresses)
        out[n++] = (struct field){SLICE("Sec-WebSocket-Extensions"),
                                  SLICE(WS_EXTENSION_OFFER)};
    if (o->protocols.n != 0)
        out[n++] =
            (struct field){SLICE("Sec-WebSocket-Protocol"), o->protocols};
    return n;
}

static int check_accept(const struct ws_handshake_offer *o,
                        const struct field *fields, uint32_t count,
                        struct error *e)
{
    char expected[WS_HANDSHAKE_ACCEPT + 1];
    struct slice got;
    uint32_t found = find(fields, count, SLICE("sec-websocket-accept"), &got);

    ws_handshake_accept(slice_of(o->key), expected);
    if (found == 0)
        return error_set(e, ERR_PROTO,
                         "the server's answer has no Sec-WebSocket-Accept");
    if (found != 1 || !slice_eq(slice_trim(got), slice_of(expected)))
        return error_set(e, ERR_PROTO,
                         "the server's Sec-WebSocket-Accept should be '%s', "
                         "got '%.*s'",
                         expected, (int)got.n, got.p);
    return 0;
}

static int check_protocol(const struct ws_handshake_offer *o,
                          const struct field *fields, uint32_t count,
                          struct ws_handshake_terms *out, struct error *e)
{
    struct slice got;
    uint32_t found = find(fields, count, SLICE("sec-websocket-protocol"), &got);

    got = slice_trim(got);
    if (found == 0)
        return 0;
    if (found != 1 || !http_list_is_token(got) || !list_has(o->protocols, got))
        return error_set(e, ERR_PROTO,
                         "the server chose the sub-protocol '%.*s', "
                         "which was not offered",
                         (int)got.n, got.p);
    out->protocol = got;
    return 0;
}

int ws_handshake_read(const struct ws_handshake_offer *o, int status,
                      const struct field *fields, uint32_t count,
                      struct ws_handshake_terms *out, struct error *e)
{
    *out = (struct ws_handshake_terms){.extensions = ""};
    if (status != 101)
        return error_set(e, ERR_PROTO,
                         "the server should have answered with 101, got %d",
                         status);
    if (!http_list_has(fields, count, SLICE("upgrade"), SLICE("websocket")))
        return error_set(e, ERR_PROTO,
                         "the server's answer has no 'Upgrade: websocket'");
    if (!http_list_has(fields, count, SLICE("connection"), SLICE("upgrade")))
        return error_set(e, ERR_PROTO,
                         "the server's answer has no 'Connection: Upgrade'");
    int rc = check_accept(o, fields, count, e);

    if (rc == 0)
        rc = check_protocol(o, fields, count, out, e);
    if (rc != 0)
        return rc;
    int bits =
        ws_extension_check(fields, count, o->compresses, &out->extensions, e);

    if (bits < 0)
        return bits;
    out->window_bits = (uint8_t)bits;
    return 0;
}
