#include "base/logtext.h"

#include <time.h>

#include "base/text.h"

static const char *level_name(enum log_level level)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};

    return names[level];
}

/* `s` without what is past LOGTEXT_MAX, cut between characters. */
static struct slice cut(struct slice s)
{
    if (s.n <= LOGTEXT_MAX)
        return s;
    s.n = LOGTEXT_MAX;
    while (s.n > LOGTEXT_MAX - 4 && (s.p[s.n] & 0xc0) == 0x80)
        s.n--;
    return s;
}

static void add_cut_mark(struct buf *out, struct slice s)
{
    if (s.n > LOGTEXT_MAX)
        buf_printf(out, "... (%zu bytes)", s.n);
}

static void json_char(struct buf *out, char c)
{
    switch (c) {
    case '"':
    case '\\':
        buf_printf(out, "\\%c", c);
        return;
    case '\n':
        buf_add_text(out, "\\n");
        return;
    case '\t':
        buf_add_text(out, "\\t");
        return;
    default:
        if ((unsigned char)c < 0x20 || c == 0x7f)
            buf_printf(out, "\\u%04x", (unsigned)c);
        else
            buf_add_byte(out, c);
    }
}

void logtext_json_string(struct buf *out, struct slice whole)
{
    struct slice s = cut(whole);

    buf_add_byte(out, '"');
    while (s.n != 0) {
        size_t size = text_sequence(s);

        if (size == 0)
            buf_add_text(out, "\xef\xbf\xbd"); /* U+FFFD */
        else if (size == 1)
            json_char(out, s.p[0]);
        else
            buf_add(out, s.p, size);
        size += size == 0;
        s = (struct slice){s.p + size, s.n - size};
    }
    add_cut_mark(out, whole);
    buf_add_byte(out, '"');
}

static void json_member(struct buf *out, const char *key, struct slice value)
{
    if (value.n == 0)
        return;
    buf_printf(out, ",\"%s\":", key);
    logtext_json_string(out, value);
}

/* Bytes of the JSON value or string at the start of `s` up to the colon or
 * comma that ends it, or the end. */
static size_t json_extent(struct slice s, char mark)
{
    int depth = 0;
    bool in_string = false;

    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (in_string) {
            if (c == '\\')
                i++;
            else
                in_string = c != '"';
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            depth--;
        } else if (c == mark && depth == 0) {
            return i;
        }
    }
    return s.n;
}

static struct slice skip(struct slice s, size_t n)
{
    return n >= s.n ? (struct slice){s.p, 0} : (struct slice){s.p + n, s.n - n};
}

/* Whether a key, with its quotes, is one that lines have themselves. */
static bool is_own_key(struct slice key)
{
    static const char *const own[] = {"\"time\"",  "\"level\"", "\"message\"",
                                      "\"class\"", "\"name\"",  "\"id\"",
                                      "\"trace\""};

    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        if (slice_eq(key, slice_of(own[i])))
            return true;
    }
    return false;
}

/* The fields of the script come after the line's own, and may not hide them: a
 * reader takes the last of two. */
static void json_fields(struct buf *out, struct slice fields)
{
    if (fields.n > LOGTEXT_MAX) {
        buf_printf(out, ",\"fieldsLeftOut\":\"%zu bytes\"", fields.n);
        return;
    }
    while (fields.n != 0) {
        struct slice key = {fields.p, json_extent(fields, ':')};
        struct slice member = {fields.p, json_extent(fields, ',')};

        buf_add_text(out, is_own_key(key) ? ",\"_" : ",\"");
        buf_add(out, member.p + 1, member.n - 1);
        fields = skip(fields, member.n + 1);
    }
}

static void json_time(struct buf *out, int64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm t;

    gmtime_r(&seconds, &t);
    buf_printf(out, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", t.tm_year + 1900,
               t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec,
               (int)(wall_ms % 1000));
}

void logtext_json(const struct log_line *line, int64_t wall_ms, struct buf *out)
{
    buf_add_text(out, "{\"time\":\"");
    json_time(out, wall_ms);
    buf_printf(out,
               "\",\"level\":\"%s\",\"message\":", level_name(line->level));
    logtext_json_string(out, line->message);
    json_member(out, "class", line->class_name);
    json_member(out, "name", line->name);
    json_member(out, "id", line->id);
    json_fields(out, line->fields);
    json_member(out, "trace", line->trace);
    buf_add_text(out, "}\n");
}

/* `s` without line breaks at its end. */
static struct slice trimmed(struct slice s)
{
    while (s.n != 0 && s.p[s.n - 1] == '\n')
        s.n--;
    return s;
}

/* `whole` as text to read; each line break is followed by `indent`. */
static void plain(struct buf *out, struct slice whole, const char *indent)
{
    struct slice s = cut(whole);

    while (s.n != 0) {
        size_t size = text_sequence(s);

        if (s.p[0] == '\n') {
            buf_add_byte(out, '\n');
            buf_add_text(out, indent);
        } else if (size == 0 || text_is_control(s, size)) {
            size = 1;
            buf_printf(out, "\\x%02x", (unsigned char)s.p[0]);
        } else {
            buf_add(out, s.p, size);
        }
        s = (struct slice){s.p + size, s.n - size};
    }
    add_cut_mark(out, whole);
}

/* A JSON string needs its quotes only where it would be misread without. */
static struct slice unquoted(struct slice s)
{
    if (s.n < 3 || s.p[0] != '"')
        return s;
    for (size_t i = 1; i + 1 < s.n; i++) {
        char c = s.p[i];

        if (c == ' ' || c == '"' || c == '\\' || c == '=' || c == ',')
            return s;
    }
    return (struct slice){s.p + 1, s.n - 2};
}

/* `"user":"ann","n":3` as `user=ann n=3`. */
static void readable_fields(struct buf *out, struct slice fields)
{
    if (fields.n > LOGTEXT_MAX) {
        buf_printf(out, "  (%zu bytes of fields left out)", fields.n);
        return;
    }
    for (const char *space = "  "; fields.n != 0; space = " ") {
        struct slice key = {fields.p, json_extent(fields, ':')};
        fields = skip(fields, key.n + 1);
        struct slice value = {fields.p, json_extent(fields, ',')};
        fields = skip(fields, value.n + 1);

        buf_add_text(out, space);
        plain(out, unquoted(key), "");
        buf_add_byte(out, '=');
        plain(out, unquoted(value), "");
    }
}

static void readable_time(struct buf *out, int64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm t;

    localtime_r(&seconds, &t);
    buf_printf(out, "%02d:%02d:%02d.%03d ", t.tm_hour, t.tm_min, t.tm_sec,
               (int)(wall_ms % 1000));
}

/* The object as `Class/name`, or the first digits of its id without a name. */
static void readable_object(struct buf *out, const struct log_line *line)
{
    enum { SHORT_ID = 12 };
    struct slice id = line->id;

    if (line->class_name.n == 0)
        return;
    plain(out, line->class_name, "");
    buf_add_byte(out, '/');
    if (line->name.n != 0)
        plain(out, line->name, "");
    else
        plain(out, (struct slice){id.p, id.n < SHORT_ID ? id.n : SHORT_ID}, "");
    buf_add_text(out, "  ");
}

void logtext_readable(const struct log_line *line, int64_t wall_ms,
                      bool is_coloured, struct buf *out)
{
    static const char indent[] = "             ";
    static const char *const colours[] = {"\x1b[2m", "\x1b[32m", "\x1b[33m",
                                          "\x1b[31m"};
    const char *on = is_coloured ? colours[line->level] : "";
    const char *off = is_coloured ? "\x1b[0m" : "";

    readable_time(out, wall_ms);
    buf_printf(out, "%s%-5s%s ", on, level_name(line->level), off);
    readable_object(out, line);
    plain(out, trimmed(line->message), indent);
    readable_fields(out, line->fields);
    if (line->trace.n != 0) {
        buf_printf(out, "\n%s", indent);
        plain(out, trimmed(line->trace), indent);
    }
    buf_add_byte(out, '\n');
}
