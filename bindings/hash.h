/*
 * hash.h - SHA-1 and SHA-2 digests and HMAC (RFC 2104), one shot, without
 * allocation: libcrypto's block functions, not its EVP layer, whose look-ups
 * cost more than a short digest.
 */
#ifndef BINDINGS_HASH_H
#define BINDINGS_HASH_H

#include <stdint.h>

#include "base/slice.h"

enum { HASH_MAX = 64 };

struct hash; /* opaque: an algorithm */

/* "SHA-1", "SHA-256", "SHA-384", "SHA-512" in either case; NULL: none. */
const struct hash *hash_find(struct slice name);
/* Write the digest of `s` to `out`; returns its size in bytes. */
size_t hash_digest(const struct hash *h, struct slice s, uint8_t out[HASH_MAX]);
size_t hash_hmac(const struct hash *h, struct slice key, struct slice s,
                 uint8_t out[HASH_MAX]);

#endif
