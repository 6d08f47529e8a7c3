#include "store/sql_text.h"

#include <strings.h>

#define RESERVED "_mk_"

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Bytes that SQLite takes as part of a name. */
static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z') || c == '_' || c == '$' ||
           (unsigned char)c >= 0x80;
}

static struct slice behind(struct slice s, size_t n)
{
    return (struct slice){s.p + n, s.n - n};
}

static struct slice skip_line(struct slice s)
{
    const char *end = memchr(s.p, '\n', s.n);

    return end == NULL ? behind(s, s.n) : behind(s, (size_t)(end - s.p));
}

/* A comment without its end reaches to the end of the text, as in SQLite. */
static struct slice skip_block(struct slice s)
{
    const char *end = memmem(s.p + 2, s.n - 2, "*/", 2);

    return end == NULL ? behind(s, s.n) : behind(s, (size_t)(end + 2 - s.p));
}

struct slice sql_text_skip(struct slice s)
{
    while (s.n > 0) {
        if (is_space(*s.p) || *s.p == ';')
            s = behind(s, 1);
        else if (s.n >= 2 && s.p[0] == '-' && s.p[1] == '-')
            s = skip_line(s);
        else if (s.n >= 2 && s.p[0] == '/' && s.p[1] == '*')
            s = skip_block(s);
        else
            break;
    }
    return s;
}

struct slice sql_text_trim(struct slice s)
{
    size_t n = s.n;

    while (n > 0 && is_space(s.p[n - 1]))
        n--;
    if (n > 0 && s.p[n - 1] == ';')
        s.n = n;
    return s;
}

bool sql_text_starts(struct slice s, struct slice word)
{
    s = sql_text_skip(s);
    return s.n >= word.n && strncasecmp(s.p, word.p, word.n) == 0 &&
           (s.n == word.n || !is_word(s.p[word.n]));
}

bool sql_text_has_reserved(struct slice s)
{
    size_t n = sizeof(RESERVED) - 1;

    for (size_t i = 0; i + n <= s.n; i++) {
        if (strncasecmp(s.p + i, RESERVED, n) == 0 &&
            (i == 0 || !is_word(s.p[i - 1])))
            return true;
    }
    return false;
}
