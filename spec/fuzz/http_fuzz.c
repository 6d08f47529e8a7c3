/*
 * http_fuzz.c - heads and bodies of requests, for libFuzzer.
 *
 *   clang -std=c11 -D_GNU_SOURCE -g -O1 -fsanitize=fuzzer,address,undefined \
 *     -Iruntime -I/usr/share/include/llhttp spec/fuzz/http_fuzz.c \
 *     runtime/wire/http_*.c runtime/base/{body,buf,err,mem,message,must}.c \
 *     runtime/base/slice.c /usr/share/llhttp/{api,http,llhttp}.c -o http_fuzz
 *   ./http_fuzz -max_total_time=60 -max_len=4096
 *
 * The first byte chooses where the input is cut; the rest are requests, one
 * behind the other.  Read whole and read in two pieces must come to the same,
 * and what is accepted must look the same to a stricter eye.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "wire/http_authority.h"
#include "wire/http_body.h"
#include "wire/http_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_text(struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static bool has_blank(struct slice s)
{
    return memchr(s.p, ' ', s.n) != NULL || memchr(s.p, '\t', s.n) != NULL;
}

static uint32_t count(const struct http_head *head, struct slice name)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < head->field_count; i++)
        n += slice_eq_nocase(head->fields[i].name, name);
    return n;
}

static void check_fields(const struct http_head *head)
{
    for (uint32_t i = 0; i < head->field_count; i++) {
        const struct field *f = &head->fields[i];

        MUST(f->name.n != 0 && is_text(f->name) && !has_blank(f->name));
        MUST(memchr(f->name.p, ':', f->name.n) == NULL);
        MUST(is_text(f->value));
    }
}

static void check_head(const struct http_head *head)
{
    uint32_t lengths = count(head, SLICE("content-length"));
    uint32_t codings = count(head, SLICE("transfer-encoding"));
    uint32_t hosts = count(head, SLICE("host"));
    struct buf url = {0};
    struct slice path = http_head_url(head, SLICE("h"), &url);

    check_fields(head);
    MUST(is_text(head->method) && !has_blank(head->method));
    MUST(is_text(head->target) && !has_blank(head->target));
    MUST(head->target.n <= HTTP_URL_MAX);
    MUST(path.n != 0 && path.p[0] == '/');
    MUST(head->authority.n == 0 || http_authority_is_valid(head->authority));
    MUST(hosts <= 1 && (hosts == 1 || head->minor == 0));
    MUST(lengths + codings <= 1);
    MUST(head->is_chunked == (codings == 1));
    MUST(head->length == (head->is_chunked ? -1 : head->length));
    MUST(lengths + codings == 1 || head->length == 0);
    buf_fini(&url);
}

/* Add the body's bytes to `out`.  Returns what is left of `in`, or NULL p. */
static struct slice read_body(struct http_body *b, struct slice in,
                              struct buf *out)
{
    struct slice data;

    while (in.n != 0 && !http_body_is_done(b)) {
        if (http_body_next(b, &in, &data) != 0)
            return (struct slice){0};
        buf_add_slice(out, data);
    }
    return in;
}

/* Read the body whole and in two pieces; returns what is behind it. */
static struct slice check_body(int64_t length, struct slice in, size_t cut)
{
    struct http_body whole, parts;
    struct buf one = {0}, two = {0};

    cut = in.n == 0 ? 0 : cut % in.n;
    http_body_init(&whole, length);
    http_body_init(&parts, length);
    struct slice rest = read_body(&whole, in, &one);
    struct slice left = read_body(&parts, (struct slice){in.p, cut}, &two);

    if (left.p != NULL && left.n == 0 && !http_body_is_done(&parts))
        left = read_body(&parts, (struct slice){in.p + cut, in.n - cut}, &two);
    MUST(slice_eq(buf_slice(&one), buf_slice(&two)));
    MUST(http_body_is_done(&whole) == http_body_is_done(&parts));
    MUST(length < 0 || (int64_t)one.n <= length);
    MUST(!http_body_is_done(&whole) || length < 0 || (int64_t)one.n == length);
    buf_fini(&one);
    buf_fini(&two);
    return http_body_is_done(&whole) ? rest : (struct slice){0};
}

/* Read one head, whole and in two pieces.  Returns its size, or 0 or less. */
static int check_request(struct slice in, size_t cut, struct http_head *head)
{
    static struct http_head again;

    cut %= in.n;
    int first = http_head_parse(in.p, cut, 0, &again);
    int second = http_head_parse(in.p, in.n, first == 0 ? cut : 0, &again);
    int size = http_head_parse(in.p, in.n, 0, head);

    if (size <= 0) {
        MUST(second <= 0 && first <= 0);
        return size;
    }
    MUST(size == second && again.field_count == head->field_count);
    MUST(first == (cut >= (size_t)size ? size : 0));
    check_head(head);
    return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct http_head head;
    struct slice in = {(const char *)data + 1, size - 1};

    if (size < 2)
        return 0;
    while (in.n != 0) {
        int n = check_request(in, (size_t)data[0] * 7, &head);

        if (n <= 0)
            return 0;
        in = (struct slice){in.p + n, in.n - (size_t)n};
        in = check_body(head.length, in, (size_t)data[0] * 5);
    }
    return 0;
}
