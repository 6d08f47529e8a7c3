/*
 * oid.h - an object's id: 32 bytes (API.md, section 4).  Pure data; how ids
 * are made from names is in bindings/id.h, which owns the hash functions.
 */
#ifndef BASE_OID_H
#define BASE_OID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { OID_SIZE = 32, OID_HEX = 64, OBJECT_NAME_MAX = 1024 };

struct oid {
    uint8_t b[OID_SIZE];
};

/* Write 64 lower-case hex digits and a NUL to `out[0..65)`. */
void oid_to_hex(const struct oid *id, char *out);
/* Read exactly 64 hex digits of either case.  Returns false otherwise. */
bool oid_from_hex(const char *hex, size_t n, struct oid *out);

static inline bool oid_eq(const struct oid *a, const struct oid *b)
{
    return memcmp(a->b, b->b, OID_SIZE) == 0;
}

/* A number spread evenly over ids: for tables and for choosing a worker. */
static inline uint64_t oid_hash(const struct oid *id)
{
    uint64_t h;

    memcpy(&h, id->b, sizeof(h));
    return h;
}

#endif
