/*
 * random.h - random numbers: the system's, or a seeded sequence for tests.
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct random {
    bool is_seeded;    /* false: bytes come from getrandom(2) */
    uint64_t state[4]; /* xoshiro256** when seeded */
};

/* The system's source; static, any thread. */
struct random *random_system(void);
/* A sequence that depends on `seed` alone; one thread. */
void random_init_seeded(struct random *r, uint64_t seed);
/* Fill `p[0..n)`.  Ends the process if the system gives none. */
void random_bytes(struct random *r, void *p, size_t n);
uint64_t random_u64(struct random *r);

#endif
