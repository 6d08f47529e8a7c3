/*
 * ws_fuzz.c - WebSocket messages, extensions and UTF-8, for libFuzzer.
 *
 *   clang -std=c11 -D_GNU_SOURCE -g -O1 -fsanitize=fuzzer,address,undefined \
 *     -Iruntime spec/fuzz/ws_fuzz.c runtime/wire/http_list.c \
 *     runtime/wire/ws_{frame,message,utf8,deflate,extension}.c \
 *     runtime/base/{buf,err,mem,must,slice}.c -lz -o ws_fuzz
 *   ./ws_fuzz -max_total_time=60 -max_len=4096
 *
 * The first byte chooses role, compression and limit, the second where the
 * input is cut; the rest is what a peer sends.  Read whole and read in pieces
 * must come to the same events, which must keep the promises of ws_message.h.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "wire/ws_deflate.h"
#include "wire/ws_extension.h"
#include "wire/ws_message.h"
#include "wire/ws_utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BIT_CLIENT = 1, BIT_COMPRESSES = 2, BIT_LARGE = 4 };

struct run {
    struct ws_message m;
    struct ws_deflate *z;
    struct buf log; /* every event, as bytes */
    bool is_over;
};

static struct run run_of(uint8_t options, struct ws_deflate *z)
{
    struct run r = {.z = z};

    ws_message_init(&r.m, options & BIT_CLIENT ? WS_CLIENT : WS_SERVER,
                    (options & BIT_COMPRESSES) != 0,
                    options & BIT_LARGE ? 1u << 20 : 200);
    return r;
}

static void check(const struct run *r, enum ws_event_kind kind,
                  const struct ws_event *e)
{
    MUST(!r->is_over);
    switch (kind) {
    case WS_EVENT_TEXT:
        MUST(ws_utf8_is_valid(e->bytes.p, e->bytes.n));
        MUST(e->bytes.n <= r->m.limit);
        break;
    case WS_EVENT_BINARY:
        MUST(e->bytes.n <= r->m.limit);
        break;
    case WS_EVENT_PING:
    case WS_EVENT_PONG:
        MUST(e->bytes.n <= WS_FRAME_CONTROL_MAX);
        break;
    case WS_EVENT_CLOSE:
        MUST(e->bytes.n <= WS_FRAME_REASON_MAX);
        MUST(e->code == WS_CODE_NONE || ws_frame_is_code(e->code));
        MUST(ws_utf8_is_valid(e->bytes.p, e->bytes.n));
        break;
    case WS_EVENT_FAIL:
        MUST(e->code == 1002 || e->code == 1007 || e->code == 1009);
        MUST(e->bytes.n != 0);
        break;
    case WS_EVENT_MORE:
        break;
    }
}

static void feed(struct run *r, const uint8_t *p, size_t n)
{
    char *copy = malloc(n == 0 ? 1 : n);
    struct ws_bytes in = {copy, n};
    struct ws_event e;
    enum ws_event_kind kind;

    memcpy(copy, p, n);
    while ((kind = ws_message_next(&r->m, &in, r->z, &e)) != WS_EVENT_MORE) {
        check(r, kind, &e);
        buf_printf(&r->log, "%d %d %zu ", (int)kind, (int)e.code, e.bytes.n);
        buf_add_slice(&r->log, e.bytes);
        r->is_over = kind == WS_EVENT_CLOSE || kind == WS_EVENT_FAIL;
    }
    MUST(in.n == 0);
    MUST(!r->is_over || r->m.partial == NULL);
    free(copy);
}

/* Whole, in two pieces, and in pieces of `step` bytes. */
static void check_messages(const uint8_t *p, size_t n, uint8_t options,
                           size_t step)
{
    struct ws_deflate *z = ws_deflate_new();
    struct run runs[3] = {run_of(options, z), run_of(options, z),
                          run_of(options, z)};
    size_t cut = n == 0 ? 0 : step * 11 % n;

    feed(&runs[0], p, n);
    feed(&runs[1], p, cut);
    feed(&runs[1], p + cut, n - cut);
    for (size_t at = 0; at < n; at += step)
        feed(&runs[2], p + at, n - at < step ? n - at : step);
    for (int i = 0; i < 3; i++) {
        MUST(slice_eq(buf_slice(&runs[0].log), buf_slice(&runs[i].log)));
        ws_message_fini(&runs[i].m);
    }
    for (int i = 0; i < 3; i++)
        buf_fini(&runs[i].log);
    ws_deflate_free(z);
}

/* What we answer must be what a client of ours would take. */
static void check_extensions(struct slice value)
{
    struct field f = {SLICE("Sec-WebSocket-Extensions"), value};
    const char *text = NULL;
    const char *again = NULL;
    int bits = ws_extension_choose(&f, 1, &text);

    MUST((bits > 0) == (text[0] != '\0'));
    MUST(bits <= 0 || (bits >= 9 && bits <= 15));
    if (bits > 0) {
        f.value = slice_of(text);
        MUST(ws_extension_check(&f, 1, true, &again, NULL) == 15);
        MUST(strcmp(text, again) == 0);
    }
    f.value = value;
    ws_extension_check(&f, 1, true, &text, NULL);
}

/* What is packed comes out again; what comes is inflated within the limit. */
static void check_deflate(struct slice in, int bits)
{
    struct ws_deflate *z = ws_deflate_new();
    struct buf packed = {0};
    struct buf plain = {0};

    if (ws_deflate_pack(z, bits, in, &packed)) {
        MUST(packed.n < in.n);
        MUST(ws_deflate_unpack(z, buf_slice(&packed), in.n, &plain) == 0);
        MUST(slice_eq(buf_slice(&plain), in));
        buf_fini(&plain);
    }
    if (ws_deflate_unpack(z, in, 5000, &plain) == 0)
        MUST(plain.n <= 5000);
    MUST(plain.cap <= 5001);
    buf_fini(&plain);
    buf_fini(&packed);
    ws_deflate_free(z);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct slice rest = {(const char *)data + 2, size - 2};

    if (data[0] & 0x80)
        check_extensions(rest);
    else if (data[0] & 0x40)
        check_deflate(rest, 9 + data[1] % 7);
    else
        check_messages(data + 2, size - 2, data[0], data[1] % 64 + 1u);
    return 0;
}
