/* The block functions are deprecated in favour of EVP, and still the fastest
 * way to the processor's SHA instructions for short inputs. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "bindings/hash.h"

#include <openssl/sha.h>

enum { BLOCK_MAX = 128 };

union context {
    SHA_CTX sha1;
    SHA256_CTX sha256;
    SHA512_CTX sha512;
};

struct hash {
    struct slice name;
    size_t size, block;
    void (*init)(union context *c);
    void (*update)(union context *c, const void *p, size_t n);
    void (*final)(union context *c, uint8_t *out);
};

static void init1(union context *c)
{
    SHA1_Init(&c->sha1);
}

static void update1(union context *c, const void *p, size_t n)
{
    SHA1_Update(&c->sha1, p, n);
}

static void final1(union context *c, uint8_t *out)
{
    SHA1_Final(out, &c->sha1);
}

static void init256(union context *c)
{
    SHA256_Init(&c->sha256);
}

static void update256(union context *c, const void *p, size_t n)
{
    SHA256_Update(&c->sha256, p, n);
}

static void final256(union context *c, uint8_t *out)
{
    SHA256_Final(out, &c->sha256);
}

static void init384(union context *c)
{
    SHA384_Init(&c->sha512);
}

static void update384(union context *c, const void *p, size_t n)
{
    SHA384_Update(&c->sha512, p, n);
}

static void final384(union context *c, uint8_t *out)
{
    SHA384_Final(out, &c->sha512);
}

static void init512(union context *c)
{
    SHA512_Init(&c->sha512);
}

static void update512(union context *c, const void *p, size_t n)
{
    SHA512_Update(&c->sha512, p, n);
}

static void final512(union context *c, uint8_t *out)
{
    SHA512_Final(out, &c->sha512);
}

static const struct hash hashes[] = {
    {{"SHA-1", 5}, 20, 64, init1, update1, final1},
    {{"SHA-256", 7}, 32, 64, init256, update256, final256},
    {{"SHA-384", 7}, 48, 128, init384, update384, final384},
    {{"SHA-512", 7}, 64, 128, init512, update512, final512},
};

const struct hash *hash_find(struct slice name)
{
    for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
        if (slice_eq_nocase(hashes[i].name, name))
            return &hashes[i];
    }
    return NULL;
}

size_t hash_digest(const struct hash *h, struct slice s, uint8_t out[HASH_MAX])
{
    union context c;

    h->init(&c);
    h->update(&c, s.p, s.n);
    h->final(&c, out);
    return h->size;
}

/* One of the two passes: hash(key ^ pad, s). */
static void pass(const struct hash *h, const uint8_t *key, int pad,
                 struct slice s, uint8_t *out)
{
    uint8_t block[BLOCK_MAX];
    union context c;

    for (size_t i = 0; i < h->block; i++)
        block[i] = (uint8_t)(key[i] ^ pad);
    h->init(&c);
    h->update(&c, block, h->block);
    h->update(&c, s.p, s.n);
    h->final(&c, out);
}

size_t hash_hmac(const struct hash *h, struct slice key, struct slice s,
                 uint8_t out[HASH_MAX])
{
    uint8_t padded[BLOCK_MAX] = {0};
    uint8_t inner[HASH_MAX];

    if (key.n > h->block)
        hash_digest(h, key, padded);
    else if (key.n != 0)
        memcpy(padded, key.p, key.n);
    pass(h, padded, 0x36, s, inner);
    pass(h, padded, 0x5c, (struct slice){(const char *)inner, h->size}, out);
    return h->size;
}
