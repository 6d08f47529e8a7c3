#define OPENSSL_SUPPRESS_DEPRECATED /* see hash.c */

#include "bindings/id.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>

enum { BLOCK = 64, HALF = OID_SIZE / 2 };

/* HMAC-SHA-256 with the key's block already taken in, so that the two halves
 * of an id share it. */
struct mac {
    SHA256_CTX inner, outer;
};

static void absorb(SHA256_CTX *c, const uint8_t key[ID_KEY_SIZE], int pad)
{
    uint8_t block[BLOCK];

    memset(block, pad, sizeof(block));
    for (int i = 0; i < ID_KEY_SIZE; i++)
        block[i] = (uint8_t)(key[i] ^ pad);
    SHA256_Init(c);
    SHA256_Update(c, block, sizeof(block));
}

static void mac_init(struct mac *m, const uint8_t key[ID_KEY_SIZE])
{
    absorb(&m->inner, key, 0x36);
    absorb(&m->outer, key, 0x5c);
}

/* The first 16 bytes of the HMAC of p[0..n). */
static void mac_half(const struct mac *m, const void *p, size_t n,
                     uint8_t out[HALF])
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    SHA256_CTX c = m->inner;

    SHA256_Update(&c, p, n);
    SHA256_Final(digest, &c);
    c = m->outer;
    SHA256_Update(&c, digest, sizeof(digest));
    SHA256_Final(digest, &c);
    memcpy(out, digest, HALF);
}

int id_key(const char *unique_key, uint8_t key[ID_KEY_SIZE])
{
    SHA256_CTX c;

    SHA256_Init(&c);
    SHA256_Update(&c, unique_key, strlen(unique_key));
    SHA256_Final(key, &c);
    return 0;
}

void id_from_name(const uint8_t key[ID_KEY_SIZE], struct slice name,
                  struct oid *out)
{
    struct mac m;

    mac_init(&m, key);
    mac_half(&m, name.p, name.n, out->b);
    mac_half(&m, out->b, HALF, out->b + HALF);
}

void id_unique(const uint8_t key[ID_KEY_SIZE], struct random *random,
               struct oid *out)
{
    struct mac m;

    random_bytes(random, out->b, HALF);
    mac_init(&m, key);
    mac_half(&m, out->b, HALF, out->b + HALF);
}

bool id_fits(const uint8_t key[ID_KEY_SIZE], const struct oid *id)
{
    uint8_t half[HALF];
    struct mac m;

    mac_init(&m, key);
    mac_half(&m, id->b, HALF, half);
    return CRYPTO_memcmp(half, id->b + HALF, HALF) == 0;
}
