#include "wire/ws_extension.h"

#include <string.h>

#include "wire/http_list.h"
#include "wire/ws_deflate.h"

enum { BITS_MAX = 15, NO_VALUE = 1 };

#define BOTH   WS_EXTENSION_OFFER
#define SERVER "permessage-deflate; server_no_context_takeover"
#define WINDOW "; server_max_window_bits="
/* By window bits; 0: nothing is said of them. */
static const char *const both_texts[BITS_MAX + 1] = {
    [0] = BOTH,
    [8] = BOTH WINDOW "8",
    [9] = BOTH WINDOW "9",
    [10] = BOTH WINDOW "10",
    [11] = BOTH WINDOW "11",
    [12] = BOTH WINDOW "12",
    [13] = BOTH WINDOW "13",
    [14] = BOTH WINDOW "14",
    [15] = BOTH WINDOW "15",
};
static const char *const server_texts[BITS_MAX + 1] = {
    [0] = SERVER,
    [8] = SERVER WINDOW "8",
    [9] = SERVER WINDOW "9",
    [10] = SERVER WINDOW "10",
    [11] = SERVER WINDOW "11",
    [12] = SERVER WINDOW "12",
    [13] = SERVER WINDOW "13",
    [14] = SERVER WINDOW "14",
    [15] = SERVER WINDOW "15",
};

/* One element of the field: an extension with its parameters.  Bits are 0 when
 * the parameter is absent, NO_VALUE when it comes without a value. */
struct extension {
    struct slice name;
    bool server_alone, client_alone; /* *_no_context_takeover */
    int server_bits, client_bits;    /* *_max_window_bits */
    const char *wrong; /* NULL; or what no permessage-deflate can have */
};

/* Longer values are none that we know. */
struct value {
    char p[4];
    size_t n; /* may be above the array's size: then `p` is cut */
    bool is_given;
};

static void value_add(struct value *v, char c)
{
    if (v->n < sizeof(v->p))
        v->p[v->n] = c;
    v->n++;
}

/* What is in quotes must be a token once the quotes are off (RFC 6455, section
 * 9.1). */
static bool read_quoted(struct slice s, struct value *v)
{
    if (s.n < 2 || s.p[s.n - 1] != '"')
        return false;
    for (size_t i = 1; i < s.n - 1; i++) {
        i += s.p[i] == '\\';
        if (i == s.n - 1 || !http_list_is_token((struct slice){s.p + i, 1}))
            return false;
        value_add(v, s.p[i]);
    }
    return v->n != 0;
}

static bool read_value(struct slice s, struct value *v)
{
    v->is_given = true;
    if (s.n != 0 && s.p[0] == '"')
        return read_quoted(s, v);
    for (size_t i = 0; i < s.n; i++)
        value_add(v, s.p[i]);
    return http_list_is_token(s);
}

/* 8 to 15 without leading zeros; -1 for anything else. */
static int bits_of(const struct value *v)
{
    if (!v->is_given)
        return NO_VALUE;
    if (v->n == 1 && (v->p[0] == '8' || v->p[0] == '9'))
        return v->p[0] - '0';
    if (v->n == 2 && v->p[0] == '1' && v->p[1] >= '0' && v->p[1] <= '5')
        return 10 + (v->p[1] - '0');
    return -1;
}

static void set_flag(struct extension *x, bool *flag, const struct value *v)
{
    if (*flag)
        x->wrong = "a parameter that comes twice";
    if (v->is_given)
        x->wrong = "a value where none belongs";
    *flag = true;
}

static void set_bits(struct extension *x, int *bits, const struct value *v)
{
    if (*bits != 0)
        x->wrong = "a parameter that comes twice";
    *bits = bits_of(v);
    if (*bits < 0)
        x->wrong = "window bits that are not 8 to 15";
}

static void set_param(struct extension *x, struct slice name,
                      const struct value *v)
{
    if (slice_eq_nocase(name, SLICE("server_no_context_takeover")))
        set_flag(x, &x->server_alone, v);
    else if (slice_eq_nocase(name, SLICE("client_no_context_takeover")))
        set_flag(x, &x->client_alone, v);
    else if (slice_eq_nocase(name, SLICE("server_max_window_bits")))
        set_bits(x, &x->server_bits, v);
    else if (slice_eq_nocase(name, SLICE("client_max_window_bits")))
        set_bits(x, &x->client_bits, v);
    else
        x->wrong = "an unknown parameter";
}

/* "name", or "name=value"; false when it breaks the grammar. */
static bool read_param(struct extension *x, struct slice s)
{
    const char *equals = s.n == 0 ? NULL : memchr(s.p, '=', s.n);
    struct slice name = s;
    struct value v = {0};

    if (equals != NULL) {
        name.n = (size_t)(equals - s.p);
        struct slice rest = {equals + 1, s.n - name.n - 1};

        if (!read_value(slice_trim(rest), &v))
            return false;
    }
    name = slice_trim(name);
    if (!http_list_is_token(name))
        return false;
    set_param(x, name, &v);
    return true;
}

static bool read_extension(struct slice s, struct extension *x)
{
    struct slice part;

    *x = (struct extension){0};
    http_list_next(&s, ';', &x->name);
    if (!http_list_is_token(x->name))
        return false;
    while (http_list_next(&s, ';', &part)) {
        if (!read_param(x, part))
            return false;
    }
    return true;
}

static bool is_deflate(const struct extension *x)
{
    return slice_eq_nocase(x->name, SLICE("permessage-deflate"));
}

/* The extensions of all the fields, one after the other. */
struct walk {
    const struct field *fields;
    uint32_t count, at;
    struct slice rest; /* of field at - 1 */
};

/* Returns 1, 0 at the end, or ERR_PROTO for what breaks the grammar. */
static int next(struct walk *w, struct extension *x)
{
    struct slice element;

    for (;;) {
        while (http_list_next(&w->rest, ',', &element)) {
            if (element.n != 0)
                return read_extension(element, x) ? 1 : ERR_PROTO;
        }
        if (w->at == w->count)
            return 0;
        const struct field *f = &w->fields[w->at++];

        if (slice_eq_nocase(f->name, SLICE("sec-websocket-extensions")))
            w->rest = f->value;
    }
}

/* The window that we would use for an offer, 0 to pass it over. */
static int bits_for(const struct extension *x)
{
    if (!is_deflate(x) || x->wrong != NULL || x->server_bits == NO_VALUE)
        return 0;
    if (x->server_bits == 0)
        return WS_DEFLATE_BITS_MAX;
    return x->server_bits >= WS_DEFLATE_BITS_MIN ? x->server_bits : 0;
}

int ws_extension_choose(const struct field *fields, uint32_t count,
                        const char **text)
{
    struct walk w = {.fields = fields, .count = count};
    struct extension x;
    int bits = 0;
    int rc = 0;

    *text = "";
    while ((rc = next(&w, &x)) > 0) {
        if (bits != 0 || bits_for(&x) == 0)
            continue; /* but its grammar was looked at */
        bits = bits_for(&x);
        *text = both_texts[x.server_bits];
    }
    if (rc < 0)
        *text = "";
    return rc < 0 ? rc : bits;
}

/* What is wrong with the server's answer, or NULL. */
static const char *check(const struct extension *x)
{
    if (x->wrong != NULL)
        return x->wrong;
    if (x->client_bits != 0)
        return "client_max_window_bits, which was not offered";
    if (x->server_bits == NO_VALUE)
        return "server_max_window_bits without a value";
    if (!x->server_alone)
        return "no server_no_context_takeover, which was asked for";
    return NULL;
}

int ws_extension_check(const struct field *fields, uint32_t count,
                       bool was_offered, const char **text, struct error *e)
{
    struct walk w = {.fields = fields, .count = count};
    struct extension x;
    const char *wrong = NULL;
    int bits = 0;
    int rc = 0;

    *text = "";
    while ((rc = next(&w, &x)) > 0) {
        if (!is_deflate(&x) || !was_offered)
            return error_set(e, ERR_PROTO,
                             "the server answered with the extension '%.*s', "
                             "which was not offered",
                             (int)x.name.n, x.name.p);
        wrong = bits != 0 ? "the extension twice" : check(&x);
        if (wrong != NULL)
            return error_set(e, ERR_PROTO,
                             "the server's permessage-deflate has %s", wrong);
        bits = WS_DEFLATE_BITS_MAX;
        *text = x.client_alone ? both_texts[x.server_bits]
                               : server_texts[x.server_bits];
    }
    if (rc < 0)
        return error_set(e, rc,
                         "the server's Sec-WebSocket-Extensions is malformed");
    return bits;
}
