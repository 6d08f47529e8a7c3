/*
 * pattern_item.h - whether one character matches a single-character item of a
 * pattern: `.`, `%a`, `[set]` or itself.  Inline: once per character.
 */
#ifndef VM_PATTERN_ITEM_H
#define VM_PATTERN_ITEM_H

#include <ctype.h>
#include <stdbool.h>

static inline int byte_at(const char *p)
{
    return (unsigned char)*p;
}

static inline bool match_class(int c, int class)
{
    bool is;

    switch (class | 0x20) { /* only letters become letters by this bit */
    case 'a':
        is = isalpha(c) != 0;
        break;
    case 'c':
        is = iscntrl(c) != 0;
        break;
    case 'd':
        is = isdigit(c) != 0;
        break;
    case 'g':
        is = isgraph(c) != 0;
        break;
    case 'l':
        is = islower(c) != 0;
        break;
    case 'p':
        is = ispunct(c) != 0;
        break;
    case 's':
        is = isspace(c) != 0;
        break;
    case 'u':
        is = isupper(c) != 0;
        break;
    case 'w':
        is = isalnum(c) != 0;
        break;
    case 'x':
        is = isxdigit(c) != 0;
        break;
    case 'z': /* old, not in the manual, still there */
        is = c == 0;
        break;
    default:
        return class == c;
    }
    return is != (isupper(class) != 0);
}

/* `p` is at the [, `last` at the ]. */
static inline bool match_set(int c, const char *p, const char *last)
{
    bool wanted = true;

    if (p[1] == '^') {
        wanted = false;
        p++;
    }
    while (++p < last) {
        if (*p == '%') {
            p++;
            if (match_class(c, byte_at(p)))
                return wanted;
        } else if (p[1] == '-' && p + 2 < last) {
            if (byte_at(p) <= c && c <= byte_at(p + 2))
                return wanted;
            p += 2;
        } else if (byte_at(p) == c) {
            return wanted;
        }
    }
    return !wanted;
}

static inline bool match_item(int c, const char *item, const char *end)
{
    switch (*item) {
    case '.':
        return true;
    case '%':
        return match_class(c, byte_at(item + 1));
    case '[':
        return match_set(c, item, end - 1);
    default:
        return byte_at(item) == c;
    }
}

#endif
