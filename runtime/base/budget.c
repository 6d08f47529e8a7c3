#include "base/budget.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/must.h"

struct budget {
    uint32_t refs;
    size_t used, most;
};

struct budget *budget_new(size_t most)
{
    struct budget *b = mem_zalloc(sizeof(*b));

    b->refs = 1;
    b->most = most;
    return b;
}

struct budget *budget_hold(struct budget *b)
{
    b->refs++;
    return b;
}

void budget_drop(struct budget *b)
{
    if (b != NULL && --b->refs == 0)
        free(b);
}

bool budget_fits(const struct budget *b, size_t n)
{
    return b->used == 0 || (b->used < b->most && n <= b->most - b->used);
}

void budget_change(struct budget *b, size_t before, size_t now)
{
    MUST(before <= b->used);
    b->used = b->used - before + now;
}
