#include "vm/value_parse.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "vm/value.h"

enum { NUMBER_MAX = 400 /* characters */ };

/* MessagePack, in the forms whose sizes are known beforehand. */
enum {
    TAG_NIL = 0xc0,
    TAG_FALSE = 0xc2,
    TAG_TRUE = 0xc3,
    TAG_FLOAT64 = 0xcb,
    TAG_INT64 = 0xd3,
    TAG_STR32 = 0xdb,
    TAG_ARRAY32 = 0xdd,
    TAG_MAP32 = 0xdf
};

struct parser {
    struct slice text;
    size_t at;
    struct buf *out;
    struct error *err;
    int depth;
};

static int value(struct parser *p);

/* ---- what came ---- */

static int peek(const struct parser *p)
{
    return p->at < p->text.n ? (unsigned char)p->text.p[p->at] : -1;
}

static void skip_space(struct parser *p)
{
    while (peek(p) == ' ' || peek(p) == '\n' || peek(p) == '\r' ||
           peek(p) == '\t')
        p->at++;
}

static int unexpected(const struct parser *p, const char *expected)
{
    char found[24] = "the end of the text";
    int c = peek(p);

    if (c >= 0x20 && c < 0x7f)
        snprintf(found, sizeof(found), "'%c'", c);
    else if (c >= 0)
        snprintf(found, sizeof(found), "byte 0x%02x", (unsigned)c);
    return error_set(p->err, ERR_INVALID,
                     "expected %s, got %s at byte offset %zu", expected, found,
                     p->at);
}

/* ---- what goes ---- */

static void put_be(struct buf *out, uint64_t v, int bytes)
{
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
        buf_add_byte(out, (int)(v >> shift & 0xff));
}

/* Leave room for a count; returns where. */
static size_t put_head(struct parser *p, int tag)
{
    buf_add_byte(p->out, tag);
    put_be(p->out, 0, 4);
    return p->out->n - 4;
}

static void set_count(struct parser *p, size_t at, size_t count)
{
    for (size_t i = 0; i < 4; i++)
        p->out->p[at + i] = (char)(count >> (24 - 8 * i) & 0xff);
}

/* ---- strings ---- */

static int hex4(struct parser *p, unsigned *out)
{
    *out = 0;
    for (int i = 0; i < 4; i++, p->at++) {
        int digit = text_hex_digit((char)peek(p));

        if (digit < 0)
            return unexpected(p, "a hex digit");
        *out = *out << 4 | (unsigned)digit;
    }
    return 0;
}

static void put_utf8(struct buf *out, unsigned c)
{
    if (c < 0x80) {
        buf_add_byte(out, (int)c);
        return;
    }
    int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const unsigned char lead[] = {0, 0xc0, 0xe0, 0xf0};

    buf_add_byte(out, (int)(lead[more] | c >> (6 * more)));
    for (int i = more - 1; i >= 0; i--)
        buf_add_byte(out, (int)(0x80 | (c >> (6 * i) & 0x3f)));
}

/* Behind "\u". */
static int escaped_character(struct parser *p)
{
    unsigned high;
    unsigned low;
    int rc = hex4(p, &high);

    if (rc != 0)
        return rc;
    if (high >= 0xdc00 && high < 0xe000)
        return unexpected(p, "the first half of a pair before its second");
    if (high >= 0xd800 && high < 0xdc00) {
        if (p->text.n - p->at < 2 || memcmp(p->text.p + p->at, "\\u", 2) != 0)
            return unexpected(p, "the second half of a pair");
        p->at += 2;
        rc = hex4(p, &low);
        if (rc != 0)
            return rc;
        if (low < 0xdc00 || low >= 0xe000)
            return unexpected(p, "the second half of a pair before that");
        high = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    }
    put_utf8(p->out, high);
    return 0;
}

static int escape(struct parser *p)
{
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    int c = peek(p);
    const char *found = c <= 0 ? NULL : strchr(from, c);

    if (c == 'u') {
        p->at++;
        return escaped_character(p);
    }
    if (found == NULL)
        return unexpected(p, "an escape");
    p->at++;
    buf_add_byte(p->out, to[found - from]);
    return 0;
}

/* At the quote. */
static int string(struct parser *p)
{
    size_t head = put_head(p, TAG_STR32);
    int rc = 0;

    p->at++;
    while (rc == 0 && peek(p) != '"') {
        int c = peek(p);

        if (c < 0x20)
            return unexpected(p, "the end of a string");
        p->at++;
        if (c == '\\')
            rc = escape(p);
        else
            buf_add_byte(p->out, c);
    }
    p->at += rc == 0;
    set_count(p, head, p->out->n - head - 4);
    return rc;
}

/* ---- numbers and words ---- */

static size_t digits(struct parser *p)
{
    size_t start = p->at;

    while (peek(p) >= '0' && peek(p) <= '9')
        p->at++;
    return p->at - start;
}

/* Step over a number; 1 when it has a fraction or an exponent. */
static int scan_number(struct parser *p)
{
    bool is_real = false;

    p->at += peek(p) == '-';
    bool is_zero = peek(p) == '0';
    size_t n = digits(p);
    if (n == 0 || (is_zero && n > 1))
        return unexpected(p, n == 0 ? "a digit" : "no digit after a zero");
    if (peek(p) == '.') {
        is_real = true;
        p->at++;
        if (digits(p) == 0)
            return unexpected(p, "a digit");
    }
    if (peek(p) == 'e' || peek(p) == 'E') {
        is_real = true;
        p->at++;
        p->at += peek(p) == '+' || peek(p) == '-';
        if (digits(p) == 0)
            return unexpected(p, "a digit");
    }
    return is_real;
}

static int number(struct parser *p)
{
    char text[NUMBER_MAX + 1];
    size_t start = p->at;
    int is_real = scan_number(p);
    size_t n = p->at - start;

    if (is_real < 0)
        return is_real;
    if (n > NUMBER_MAX)
        return error_set(p->err, ERR_INVALID,
                         "a number of %zu characters at byte offset %zu", n,
                         start);
    memcpy(text, p->text.p + start, n);
    text[n] = '\0';
    errno = 0;
    long long integer = strtoll(text, NULL, 10);
    if (!is_real && errno == 0) {
        buf_add_byte(p->out, TAG_INT64);
        put_be(p->out, (uint64_t)integer, 8);
        return 0;
    }
    double real = strtod(text, NULL);
    uint64_t bits;

    memcpy(&bits, &real, sizeof(bits));
    buf_add_byte(p->out, TAG_FLOAT64);
    put_be(p->out, bits, 8);
    return 0;
}

static int word(struct parser *p)
{
    static const struct {
        const char *text;
        int tag;
    } words[] = {{"null", TAG_NIL}, {"true", TAG_TRUE}, {"false", TAG_FALSE}};

    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        size_t n = strlen(words[i].text);

        if (p->text.n - p->at >= n &&
            memcmp(p->text.p + p->at, words[i].text, n) == 0) {
            p->at += n;
            buf_add_byte(p->out, words[i].tag);
            return 0;
        }
    }
    return unexpected(p, "a value");
}

/* ---- tables ---- */

static int member(struct parser *p)
{
    skip_space(p);
    if (peek(p) != '"')
        return unexpected(p, "a string as key");
    int rc = string(p);
    if (rc != 0)
        return rc;
    skip_space(p);
    if (peek(p) != ':')
        return unexpected(p, "':'");
    p->at++;
    return value(p);
}

/* At the bracket: what `each` reads, up to `close`. */
static int list(struct parser *p, int tag, int close,
                int (*each)(struct parser *p))
{
    size_t head = put_head(p, tag);
    size_t count = 0;
    int rc = 0;

    if (++p->depth > VALUE_DEPTH_MAX)
        return error_set(p->err, ERR_TOO_BIG, "nested more than %d deep",
                         VALUE_DEPTH_MAX);
    p->at++;
    skip_space(p);
    while (rc == 0 && (count != 0 || peek(p) != close)) {
        rc = each(p);
        count++;
        skip_space(p);
        if (rc == 0 && peek(p) == close)
            break;
        if (rc == 0 && peek(p) != ',')
            return unexpected(p, close == ']' ? "',' or ']'" : "',' or '}'");
        p->at += rc == 0;
    }
    p->at += rc == 0;
    p->depth--;
    set_count(p, head, count);
    return rc;
}

static int value(struct parser *p)
{
    skip_space(p);
    int c = peek(p);
    if (c == '"')
        return string(p);
    if (c == '[')
        return list(p, TAG_ARRAY32, ']', value);
    if (c == '{')
        return list(p, TAG_MAP32, '}', member);
    if (c == '-' || (c >= '0' && c <= '9'))
        return number(p);
    return word(p);
}

int value_parse(struct slice text, struct buf *out, struct error *err)
{
    struct parser p = {.text = text, .out = out, .err = err};
    size_t before = out->n;
    int rc = value(&p);

    skip_space(&p);
    if (rc == 0 && p.at != text.n)
        rc = unexpected(&p, "the end");
    if (rc != 0)
        out->n = before;
    return rc;
}
