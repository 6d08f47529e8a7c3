#include "host/assets_path.h"

#include <limits.h>
#include <string.h>

#include "base/text.h"

#define INDEX "index.html"

/* The character at the front of `*s`, decoded and cut off; -1: wrong. */
static int next_char(struct slice *s)
{
    size_t n = s->p[0] == '%' ? 3 : 1;
    int c = (unsigned char)s->p[0];

    if (n > s->n)
        return -1;
    if (n == 3) {
        int high = text_hex_digit(s->p[1]);
        int low = text_hex_digit(s->p[2]);

        c = high < 0 || low < 0 ? -1 : high << 4 | low;
    }
    s->p += n;
    s->n -= n;
    return c;
}

static bool is_allowed(int c)
{
    return c >= ' ' && c != '/' && c != '\\' && c != 0x7f;
}

/* Dot files are nobody's business, and that excludes "." and "..". */
static bool is_public(struct slice name, bool is_first)
{
    if (name.n == 0)
        return false;
    return name.p[0] != '.' ||
           (is_first && slice_eq(name, SLICE(".well-known")));
}

static bool add_segment(struct slice segment, struct buf *out)
{
    size_t from = out->n;

    while (segment.n != 0) {
        int c = next_char(&segment);

        if (!is_allowed(c))
            return false;
        buf_add_byte(out, c);
    }
    return is_public((struct slice){out->p + from, out->n - from}, from == 0);
}

bool assets_path_find(struct slice target, struct buf *out)
{
    const char *query = memchr(target.p, '?', target.n);
    const char *end = query != NULL ? query : target.p + target.n;
    const char *at = target.p;

    out->n = 0;
    if (at == end || *at != '/' || end - at > PATH_MAX / 2)
        return false;
    while (at != end && ++at != end) {
        const char *slash = memchr(at, '/', (size_t)(end - at));
        const char *stop = slash != NULL ? slash : end;

        if (!add_segment((struct slice){at, (size_t)(stop - at)}, out))
            return false;
        if (slash != NULL)
            buf_add_byte(out, '/');
        at = stop;
    }
    if (out->n == 0 || out->p[out->n - 1] == '/')
        buf_add_text(out, INDEX);
    buf_add_byte(out, '\0');
    out->n--;
    return true;
}

struct slice assets_path_first(struct slice path)
{
    const char *slash = memchr(path.p, '/', path.n);

    return (struct slice){path.p,
                          slash == NULL ? path.n : (size_t)(slash - path.p)};
}

#define TEXT ";charset=UTF-8"

static const struct type {
    const char *extension, *type;
} types[] = {
    {"html", "text/html" TEXT},
    {"htm", "text/html" TEXT},
    {"css", "text/css" TEXT},
    {"js", "text/javascript" TEXT},
    {"mjs", "text/javascript" TEXT},
    {"txt", "text/plain" TEXT},
    {"md", "text/markdown" TEXT},
    {"csv", "text/csv" TEXT},
    {"ics", "text/calendar" TEXT},
    {"vtt", "text/vtt" TEXT},
    {"lua", "text/plain" TEXT},
    {"json", "application/json"},
    {"map", "application/json"},
    {"webmanifest", "application/manifest+json"},
    {"xml", "application/xml"},
    {"rss", "application/rss+xml"},
    {"atom", "application/atom+xml"},
    {"xhtml", "application/xhtml+xml"},
    {"svg", "image/svg+xml"},
    {"png", "image/png"},
    {"jpg", "image/jpeg"},
    {"jpeg", "image/jpeg"},
    {"webp", "image/webp"},
    {"avif", "image/avif"},
    {"gif", "image/gif"},
    {"bmp", "image/bmp"},
    {"ico", "image/x-icon"},
    {"woff2", "font/woff2"},
    {"woff", "font/woff"},
    {"ttf", "font/ttf"},
    {"otf", "font/otf"},
    {"wasm", "application/wasm"},
    {"pdf", "application/pdf"},
    {"zip", "application/zip"},
    {"gz", "application/gzip"},
    {"mp4", "video/mp4"},
    {"m4v", "video/mp4"},
    {"webm", "video/webm"},
    {"ogv", "video/ogg"},
    {"mov", "video/quicktime"},
    {"mp3", "audio/mpeg"},
    {"m4a", "audio/mp4"},
    {"ogg", "audio/ogg"},
    {"wav", "audio/wav"},
    {"flac", "audio/flac"},
};

struct slice assets_path_type(struct slice path)
{
    size_t n = 0;

    while (n < path.n && path.p[path.n - n - 1] != '.' &&
           path.p[path.n - n - 1] != '/')
        n++;
    struct slice extension = {path.p + path.n - n, n};

    if (n < path.n && path.p[path.n - n - 1] == '.') {
        for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
            if (slice_eq_nocase(extension, slice_of(types[i].extension)))
                return slice_of(types[i].type);
        }
    }
    return SLICE("application/octet-stream");
}
