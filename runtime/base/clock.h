/*
 * clock.h - where time comes from: the system, or a test that sets it.
 *
 * Nothing else in the runtime asks the system for the time.  A clock may be
 * read by any thread; a virtual one is set by one thread only.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct clock {
    bool is_virtual;
    int64_t wall_ms;  /* virtual: milliseconds since the Unix epoch, UTC */
    uint64_t mono_ns; /* virtual: nanoseconds since some start, never back */
};

/* The system's clock; static, never freed. */
struct clock *clock_system(void);
/* A virtual clock that stands at `wall_ms` until it is advanced. */
void clock_init_virtual(struct clock *c, int64_t wall_ms);
void clock_advance(struct clock *c, int64_t ms);

/* Milliseconds since the Unix epoch, UTC; may jump. */
int64_t clock_wall_ms(const struct clock *c);
/* Nanoseconds that never go back; only differences mean something. */
uint64_t clock_mono_ns(const struct clock *c);
/* Processor time of the calling thread in nanoseconds (the system's, for a
 * virtual clock too: it bounds scripts and is never shown to them). */
uint64_t clock_cpu_ns(void);

#endif
