/* nearest.h - the word that was probably meant. */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include <stddef.h>

/* The one of `words[0..count)` that differs least from `word`, by letters
 * changed, left out, added or swapped with their neighbour; when none is near
 * (more than a third of its letters differ), the first one that begins with
 * it, from three letters on; else NULL.  Letters of either case are the
 * same. */
const char *nearest_word(const char *word, const char *const *words,
                         size_t count);

#endif
