#include "bindings/json.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "bindings/bind.h"
#include "vm/vm.h"

/* Nothing here is owned by C: everything may raise anywhere. */
struct decoder {
    lua_State *L;
    const char *start;
    const char *at;
    const char *end; /* *end is NUL */
    int depth;
};

static void value(struct decoder *d);

static const char *found(const struct decoder *d, char text[32])
{
    unsigned char c = (unsigned char)*d->at;

    if (d->at >= d->end)
        return "the end of the text";
    if (c >= 0x20 && c < 0x7f)
        snprintf(text, 32, "'%c'", c);
    else
        snprintf(text, 32, "byte 0x%02x", c);
    return text;
}

static void fail(const struct decoder *d, const char *text)
{
    bind_raise(d->L, NULL, "invalid JSON: %s at byte offset %zu", text,
               (size_t)(d->at - d->start));
}

static void unexpected(const struct decoder *d, const char *expected)
{
    char name[32];

    bind_raise(d->L, NULL,
               "invalid JSON: expected %s, got %s at byte offset %zu", expected,
               found(d, name), (size_t)(d->at - d->start));
}

static void skip_space(struct decoder *d)
{
    while (*d->at == ' ' || *d->at == '\n' || *d->at == '\r' || *d->at == '\t')
        d->at++;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void digits(struct decoder *d)
{
    if (!is_digit(*d->at))
        unexpected(d, "a digit");
    while (is_digit(*d->at))
        d->at++;
}

static void push_float(struct decoder *d, const char *from)
{
    double x = strtod(from, NULL);

    if (isinf(x)) {
        d->at = from;
        fail(d, "a number too large for a float");
    }
    lua_pushnumber(d->L, x);
}

/* The digits from..at as an integer; as a float when it has no room. */
static void push_integer(struct decoder *d, const char *from)
{
    if (d->at - from < 19) {
        lua_Integer n = 0;
        bool minus = *from == '-';

        for (const char *p = from + minus; p < d->at; p++)
            n = n * 10 + (*p - '0');
        lua_pushinteger(d->L, minus ? -n : n);
        return;
    }
    errno = 0;
    long long n = strtoll(from, NULL, 10);
    if (errno == ERANGE)
        push_float(d, from);
    else
        lua_pushinteger(d->L, n);
}

static void number(struct decoder *d)
{
    const char *from = d->at;
    bool is_float = false;

    if (*d->at == '-')
        d->at++;
    if (*d->at == '0')
        d->at++;
    else
        digits(d);
    if (*d->at == '.') {
        is_float = true;
        d->at++;
        digits(d);
    }
    if (*d->at == 'e' || *d->at == 'E') {
        is_float = true;
        d->at++;
        if (*d->at == '+' || *d->at == '-')
            d->at++;
        digits(d);
    }
    if (is_float)
        push_float(d, from);
    else
        push_integer(d, from);
}

static unsigned hex4(struct decoder *d)
{
    unsigned n = 0;

    for (int i = 0; i < 4; i++, d->at++) {
        int digit = text_hex_digit(*d->at);

        if (digit < 0)
            unexpected(d, "a hex digit");
        n = n * 16 + (unsigned)digit;
    }
    return n;
}

static void add_utf8(struct buf *b, unsigned c)
{
    if (c < 0x80) {
        buf_add_byte(b, (int)c);
        return;
    }
    if (c < 0x800) {
        buf_add_byte(b, (int)(0xc0 | c >> 6));
    } else {
        if (c < 0x10000) {
            buf_add_byte(b, (int)(0xe0 | c >> 12));
        } else {
            buf_add_byte(b, (int)(0xf0 | c >> 18));
            buf_add_byte(b, (int)(0x80 | (c >> 12 & 0x3f)));
        }
        buf_add_byte(b, (int)(0x80 | (c >> 6 & 0x3f)));
    }
    buf_add_byte(b, (int)(0x80 | (c & 0x3f)));
}

/* What follows "\u", a second half included. */
static unsigned unicode(struct decoder *d)
{
    const char *from = d->at - 2;
    unsigned c = hex4(d);

    if (c < 0xd800 || c > 0xdfff)
        return c;
    if (c < 0xdc00 && d->at[0] == '\\' && d->at[1] == 'u') {
        d->at += 2;
        unsigned low = hex4(d);
        if (low >= 0xdc00 && low <= 0xdfff)
            return 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    d->at = from;
    fail(d, "half a surrogate pair");
    return 0;
}

static void escape(struct decoder *d, struct buf *b)
{
    static const char names[] = "\"\\/bfnrt";
    static const char bytes[] = "\"\\/\b\f\n\r\t";

    d->at++; /* the backslash */
    if (*d->at == 'u') {
        d->at++;
        add_utf8(b, unicode(d));
        return;
    }
    const char *name = *d->at == '\0' ? NULL : strchr(names, *d->at);
    if (name == NULL)
        unexpected(d, "an escape (one of \"\\/bfnrtu)");
    else
        buf_add_byte(b, bytes[name - names]);
    d->at++;
}

/* Move to the next quote or backslash. */
static void run(struct decoder *d)
{
    const char *from = d->at;
    unsigned char seen = 0;

    while (*d->at != '"' && *d->at != '\\') {
        unsigned char c = (unsigned char)*d->at;

        if (c < 0x20)
            unexpected(d, d->at < d->end ? "an escaped control character"
                                         : "'\"'");
        seen |= c;
        d->at++;
    }
    if (seen < 0x80)
        return;
    struct slice s = {from, (size_t)(d->at - from)};
    size_t good = utf8_valid(s);
    if (good != s.n) {
        d->at = from + good;
        fail(d, "invalid UTF-8");
    }
}

static void string(struct decoder *d)
{
    const char *from = ++d->at;

    run(d);
    if (*d->at == '"') {
        lua_pushlstring(d->L, from, (size_t)(d->at++ - from));
        return;
    }
    struct buf *b = bind_scratch(d->L);
    buf_add(b, from, (size_t)(d->at - from));
    while (*d->at != '"') {
        escape(d, b);
        from = d->at;
        run(d);
        buf_add(b, from, (size_t)(d->at - from));
    }
    d->at++;
    bind_push_scratch(d->L, b);
}

static void enter(struct decoder *d)
{
    if (++d->depth > JSON_DEPTH_MAX)
        fail(d, "nested more than 1000 deep");
    luaL_checkstack(d->L, 6, "JSON");
    d->at++;
    skip_space(d);
}

static void array(struct decoder *d)
{
    enter(d);
    lua_newtable(d->L);
    if (*d->at == ']') { /* so that it is written as it was read */
        json_push_array_mark(d->L);
        lua_setmetatable(d->L, -2);
    }
    for (lua_Integer i = 1; *d->at != ']'; i++) {
        value(d);
        lua_rawseti(d->L, -2, i);
        if (*d->at == ',') {
            d->at++;
            skip_space(d);
            if (*d->at == ']')
                unexpected(d, "a value");
        } else if (*d->at != ']') {
            unexpected(d, "',' or ']'");
        }
    }
    d->at++;
    d->depth--;
}

static void member(struct decoder *d)
{
    if (*d->at != '"')
        unexpected(d, "a string as key");
    string(d);
    skip_space(d);
    if (*d->at != ':')
        unexpected(d, "':'");
    d->at++;
    skip_space(d);
    value(d);
    lua_rawset(d->L, -3);
}

static void object(struct decoder *d)
{
    enter(d);
    lua_newtable(d->L);
    while (*d->at != '}') {
        member(d);
        if (*d->at == ',') {
            d->at++;
            skip_space(d);
            if (*d->at != '"')
                unexpected(d, "a string as key");
        } else if (*d->at != '}') {
            unexpected(d, "',' or '}'");
        }
    }
    d->at++;
    d->depth--;
}

/* Whether `word` stands here; moves behind it. */
static bool word(struct decoder *d, const char *text)
{
    size_t n = strlen(text);

    if (strncmp(d->at, text, n) != 0)
        return false;
    d->at += n;
    return true;
}

static void value(struct decoder *d)
{
    if (*d->at == '{')
        object(d);
    else if (*d->at == '[')
        array(d);
    else if (*d->at == '"')
        string(d);
    else if (*d->at == '-' || is_digit(*d->at))
        number(d);
    else if (word(d, "true"))
        lua_pushboolean(d->L, 1);
    else if (word(d, "false"))
        lua_pushboolean(d->L, 0);
    else if (word(d, "null"))
        bind_push_null(d->L);
    else
        unexpected(d, "a value");
    skip_space(d);
}

void json_push(lua_State *L, struct slice text)
{
    struct decoder d = {
        .L = L, .start = text.p, .at = text.p, .end = text.p + text.n};

    luaL_checkstack(L, 8, "JSON");
    vm_charge(L, text.n / 4);
    skip_space(&d);
    value(&d);
    if (d.at != d.end)
        unexpected(&d, "the end of the text");
}
