#include "base/nearest.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

enum { WORD_MAX = 32 }; /* longer ones are near to nothing */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static bool same(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* The restricted Damerau-Levenshtein distance; both at most WORD_MAX. */
static size_t distance(const char *a, size_t an, const char *b, size_t bn)
{
    size_t d[WORD_MAX + 1][WORD_MAX + 1];

    for (size_t i = 0; i <= an; i++)
        d[i][0] = i;
    for (size_t j = 0; j <= bn; j++)
        d[0][j] = j;
    for (size_t i = 1; i <= an; i++) {
        for (size_t j = 1; j <= bn; j++) {
            size_t change = same(a[i - 1], b[j - 1]) ? 0 : 1;

            d[i][j] = least(d[i - 1][j] + 1, d[i][j - 1] + 1);
            d[i][j] = least(d[i][j], d[i - 1][j - 1] + change);
            if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) &&
                same(a[i - 2], b[j - 1]))
                d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
        }
    }
    return d[an][bn];
}

static const char *completed(const char *word, const char *const *words,
                             size_t count)
{
    size_t n = strlen(word);

    for (size_t i = 0; i < count && n >= 3; i++) {
        if (strncasecmp(words[i], word, n) == 0)
            return words[i];
    }
    return NULL;
}

const char *nearest_word(const char *word, const char *const *words,
                         size_t count)
{
    const char *found = NULL;
    size_t found_at = WORD_MAX;
    size_t n = strlen(word);

    if (n > WORD_MAX)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(words[i]);

        if (size > WORD_MAX)
            continue;
        size_t apart = distance(word, n, words[i], size);
        if (apart < found_at && apart * 3 <= (size > n ? size : n)) {
            found = words[i];
            found_at = apart;
        }
    }
    return found != NULL ? found : completed(word, words, count);
}
