#include "base/random.h"

#include <string.h>
#include <sys/random.h>

#include "base/must.h"

struct random *random_system(void)
{
    static struct random system_random;

    return &system_random;
}

/* splitmix64: spreads the seed over the state (Vigna, 2015). */
void random_init_seeded(struct random *r, uint64_t seed)
{
    r->is_seeded = true;
    for (int i = 0; i < 4; i++) {
        seed += 0x9e3779b97f4a7c15u;
        uint64_t z = seed;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        r->state[i] = z ^ (z >> 31);
    }
}

static uint64_t rotate(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

/* xoshiro256** 1.0 (Blackman and Vigna). */
static uint64_t next_seeded(struct random *r)
{
    uint64_t *s = r->state;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

static void system_bytes(uint8_t *p, size_t n)
{
    while (n != 0) {
        ssize_t got = getrandom(p, n, 0);

        MUST(got > 0);
        p += got;
        n -= (size_t)got;
    }
}

void random_bytes(struct random *r, void *p, size_t n)
{
    uint8_t *at = p;

    if (!r->is_seeded) {
        system_bytes(at, n);
        return;
    }
    while (n != 0) {
        uint64_t word = next_seeded(r);
        size_t part = n < sizeof(word) ? n : sizeof(word);

        memcpy(at, &word, part);
        at += part;
        n -= part;
    }
}

uint64_t random_u64(struct random *r)
{
    uint64_t word;

    random_bytes(r, &word, sizeof(word));
    return word;
}
