#include "bindings/url.h"

#include <stdint.h>

#include "base/text.h"

static struct slice part(struct slice s, size_t from, size_t to)
{
    return (struct slice){s.p + from, to - from};
}

/* Not strchr: the sets are of one to four characters. */
static bool is_in(char c, const char *set)
{
    while (*set != '\0' && *set != c)
        set++;
    return *set != '\0';
}

/* The offset of the first of `set` in s[from..), or s.n. */
static size_t find(struct slice s, size_t from, const char *set)
{
    while (from < s.n && !is_in(s.p[from], set))
        from++;
    return from;
}

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

int url_default_port(struct slice scheme)
{
    if (slice_eq_nocase(scheme, SLICE("http")) ||
        slice_eq_nocase(scheme, SLICE("ws")))
        return 80;
    if (slice_eq_nocase(scheme, SLICE("https")) ||
        slice_eq_nocase(scheme, SLICE("wss")))
        return 443;
    return -1;
}

static int fail(struct error *err, const char *expected, size_t at)
{
    return error_set(err, ERR_INVALID,
                     "invalid url: expected %s at byte offset %zu", expected,
                     at);
}

/* The host is text[from..to), "host", "host:port" or "[v6]:port". */
static int split_host(struct slice text, size_t from, size_t to,
                      struct url *out, struct error *err)
{
    size_t end = from;

    if (from < to && text.p[from] == '[') {
        end = find(part(text, 0, to), from, "]") + 1;
        if (end > to)
            return fail(err, "']'", to);
    } else {
        end = find(part(text, 0, to), from, ":");
    }
    out->host = part(text, from, end);
    for (size_t i = from; i < end; i++) {
        if ((unsigned char)text.p[i] <= 0x20 ||
            (unsigned char)text.p[i] >= 0x7f ||
            strchr("\"%<>\\^`{|}", text.p[i]) != NULL)
            return fail(err, "a host name", i);
    }
    out->port = url_default_port(out->scheme);
    if (end == to)
        return 0;
    if (text.p[end] != ':')
        return fail(err, "':' and a port", end);
    int port = 0;
    for (size_t i = end + 1; i < to; i++) {
        port = is_digit(text.p[i]) ? port * 10 + (text.p[i] - '0') : 65536;
        if (port > 65535)
            return fail(err, "a port from 0 to 65535", end + 1);
    }
    if (end + 1 < to)
        out->port = port;
    return 0;
}

static int split_authority(struct slice text, size_t from, size_t to,
                           struct url *out, struct error *err)
{
    for (size_t i = to; i > from; i--) {
        if (text.p[i - 1] != '@')
            continue;
        size_t colon = find(part(text, 0, i - 1), from, ":");
        out->user = part(text, from, colon);
        if (colon < i - 1)
            out->password = part(text, colon + 1, i - 1);
        from = i;
        break;
    }
    if (from == to)
        return fail(err, "a host name", from);
    return split_host(text, from, to, out, err);
}

int url_split(struct slice text, struct url *out, struct error *err)
{
    size_t colon = 0;

    *out = (struct url){0};
    while (colon < text.n &&
           (is_alpha(text.p[colon]) ||
            (colon > 0 && (is_digit(text.p[colon]) ||
                           strchr("+-.", text.p[colon]) != NULL))))
        colon++;
    if (colon == 0 || text.n - colon < 3 ||
        memcmp(text.p + colon, "://", 3) != 0)
        return fail(err, "a scheme and '://'", 0);
    out->scheme = part(text, 0, colon);
    size_t path = find(text, colon + 3, "/?#\\");
    size_t query = find(text, path, "?#");
    size_t fragment = find(text, query, "#");
    out->path = part(text, path, query);
    if (query < fragment)
        out->query = part(text, query + 1, fragment);
    if (fragment < text.n)
        out->fragment = part(text, fragment + 1, text.n);
    return split_authority(text, colon + 3, path, out, err);
}

static void add_lower(struct buf *out, struct slice s)
{
    for (size_t i = 0; i < s.n; i++)
        buf_add_byte(out, is_alpha(s.p[i]) ? s.p[i] | 0x20 : s.p[i]);
}

static void add_hex(struct buf *out, char byte)
{
    static const char digits[] = "0123456789ABCDEF";

    buf_add_byte(out, '%');
    buf_add_byte(out, digits[(uint8_t)byte >> 4]);
    buf_add_byte(out, digits[(uint8_t)byte & 15]);
}

/* What may stand in a request line stays as it is. */
static void add_target(struct buf *out, struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c <= 0x20 || c >= 0x7f || strchr("\"<>`", c) != NULL)
            add_hex(out, s.p[i]);
        else
            buf_add_byte(out, c);
    }
}

static int add_origin(const struct url *u, struct buf *out, struct error *err)
{
    if (!slice_eq_nocase(u->scheme, SLICE("http")) &&
        !slice_eq_nocase(u->scheme, SLICE("https")))
        return error_set(err, ERR_INVALID,
                         "invalid url: expected http:// or https://, got "
                         "%.*s://",
                         (int)(u->scheme.n < 32 ? u->scheme.n : 32),
                         u->scheme.p);
    if (u->user.p != NULL)
        return error_set(err, ERR_INVALID,
                         "invalid url: a user name cannot stand in the url of "
                         "a request");
    add_lower(out, u->scheme);
    buf_add_text(out, "://");
    add_lower(out, u->host);
    if (u->port != url_default_port(u->scheme))
        buf_printf(out, ":%d", u->port);
    return 0;
}

int url_normal(struct slice text, struct buf *out, size_t *target,
               struct error *err)
{
    struct url u = {0};
    int rc = 0;

    for (size_t i = 0; i < text.n; i++) {
        if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f)
            return error_set(err, ERR_INVALID,
                             "invalid url: a control character at byte offset "
                             "%zu",
                             i);
    }
    if (text.n != 0 && text.p[0] == '/') {
        size_t end = find(text, 0, "#");

        buf_add_text(out, "http://object");
        *target = out->n;
        add_target(out, part(text, 0, end));
        return 0;
    }
    if ((rc = url_split(text, &u, err)) != 0 ||
        (rc = add_origin(&u, out, err)) != 0)
        return rc;
    *target = out->n;
    if (u.path.n == 0)
        buf_add_byte(out, '/');
    add_target(out, u.path);
    if (u.query.p != NULL) {
        buf_add_byte(out, '?');
        add_target(out, u.query);
    }
    return 0;
}

struct slice url_path(struct slice target)
{
    return part(target, 0, find(target, 0, "?"));
}

struct slice url_query(struct slice target)
{
    size_t at = find(target, 0, "?");

    return part(target, at < target.n ? at + 1 : at, target.n);
}

size_t url_decode(struct slice s, enum url_plus plus, struct buf *out)
{
    size_t bad = s.n;

    for (size_t i = 0; i < s.n; i++) {
        int high = s.n - i > 2 ? text_hex_digit(s.p[i + 1]) : -1;
        int low = s.n - i > 2 ? text_hex_digit(s.p[i + 2]) : -1;

        if (s.p[i] == '+' && plus == URL_PLUS_IS_SPACE) {
            buf_add_byte(out, ' ');
        } else if (s.p[i] != '%') {
            buf_add_byte(out, s.p[i]);
        } else if (high >= 0 && low >= 0) {
            buf_add_byte(out, high << 4 | low);
            i += 2;
        } else {
            bad = bad == s.n ? i : bad;
            buf_add_byte(out, '%');
        }
    }
    return bad;
}

void url_encode(struct slice s, struct buf *out)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (is_alpha(c) || is_digit(c) ||
            (c != '\0' && strchr("-._~", c) != NULL))
            buf_add_byte(out, c);
        else
            add_hex(out, c);
    }
}

bool url_next_pair(struct slice *rest, struct slice *name, struct slice *value)
{
    while (rest->n != 0 && rest->p[0] == '&')
        *rest = part(*rest, 1, rest->n);
    if (rest->n == 0)
        return false;
    size_t end = find(*rest, 0, "&");
    size_t equals = find(part(*rest, 0, end), 0, "=");
    *name = part(*rest, 0, equals);
    *value = part(*rest, equals < end ? equals + 1 : end, end);
    *rest = part(*rest, end, rest->n);
    return true;
}
