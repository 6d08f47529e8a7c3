#include "bindings/freight.h"

#include "bindings/bind.h"
#include "bindings/state.h"

const char freight_text[] = "Durable Object is overloaded. Too much data in "
                            "its calls and requests under way.";

bool freight_fits(const struct object *o, size_t n)
{
    size_t before = state_of(o)->freight;

    /* One of any size may go. */
    return before == 0 || n == 0 ||
           (before < FREIGHT_MAX && n <= FREIGHT_MAX - before);
}

void freight_refuse(lua_State *L)
{
    bind_raise(L, "overloaded", "%s", freight_text);
}

void freight_load(struct freight *f, struct object *o, size_t n)
{
    *f = (struct freight){o, n};
    state_of(o)->freight += n;
}

bool freight_change(struct freight *f, size_t n)
{
    if (f->of == NULL)
        return true;
    state_of(f->of)->freight -= f->n;
    f->n = freight_fits(f->of, n) ? n : 0;
    state_of(f->of)->freight += f->n;
    return f->n == n;
}

void freight_unload(struct freight *f)
{
    if (f->of != NULL)
        state_of(f->of)->freight -= f->n;
    *f = (struct freight){0};
}
