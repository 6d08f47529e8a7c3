/*
 * id.h - object ids from names (API.md, section 4): the hash functions behind
 * base/oid.h.  Pure functions; any thread.
 */
#ifndef BINDINGS_ID_H
#define BINDINGS_ID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/oid.h"
#include "base/random.h"
#include "base/slice.h"

enum { ID_KEY_SIZE = 32 };

/* The key of a class: SHA-256 of its unique key, NUL-terminated.  Returns
 * 0. */
int id_key(const char *unique_key, uint8_t key[ID_KEY_SIZE]);
/* The id of `name`: the same name gives the same id, always. */
void id_from_name(const uint8_t key[ID_KEY_SIZE], struct slice name,
                  struct oid *out);
/* A fresh id: 16 random bytes, then what makes it fit. */
void id_unique(const uint8_t key[ID_KEY_SIZE], struct random *random,
               struct oid *out);
/* Whether `id` was made with this key; in constant time. */
bool id_fits(const uint8_t key[ID_KEY_SIZE], const struct oid *id);

#endif
