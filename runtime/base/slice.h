/* slice.h - borrowed bytes: a pointer and a length, owned by somebody else. */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct slice {
    const char *p; /* may be NULL when n is 0; not NUL-terminated */
    size_t n;
};

/* A string literal, or a NUL-terminated string, as a slice. */
#define SLICE(literal) ((struct slice){(literal), sizeof(literal) - 1})

static inline struct slice slice_of(const char *text)
{
    return (struct slice){text, text == NULL ? 0 : strlen(text)};
}

static inline bool slice_eq(struct slice a, struct slice b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* `s` without blanks (space, tab) at its ends. */
struct slice slice_trim(struct slice s);
/* Equal but for the case of ASCII letters. */
bool slice_eq_nocase(struct slice a, struct slice b);

#endif
