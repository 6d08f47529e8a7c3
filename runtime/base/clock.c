#include "base/clock.h"

#include <time.h>

static uint64_t read_ns(clockid_t which)
{
    struct timespec t;

    clock_gettime(which, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

struct clock *clock_system(void)
{
    static struct clock system_clock;

    return &system_clock;
}

void clock_init_virtual(struct clock *c, int64_t wall_ms)
{
    *c = (struct clock){.is_virtual = true, .wall_ms = wall_ms};
}

void clock_advance(struct clock *c, int64_t ms)
{
    c->wall_ms += ms;
    c->mono_ns += (uint64_t)ms * 1000000u;
}

int64_t clock_wall_ms(const struct clock *c)
{
    if (c->is_virtual)
        return c->wall_ms;
    return (int64_t)(read_ns(CLOCK_REALTIME) / 1000000u);
}

uint64_t clock_mono_ns(const struct clock *c)
{
    return c->is_virtual ? c->mono_ns : read_ns(CLOCK_MONOTONIC);
}

uint64_t clock_cpu_ns(void)
{
    return read_ns(CLOCK_THREAD_CPUTIME_ID);
}
