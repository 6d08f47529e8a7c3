#include "host/roster.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "bindings/script.h"

void roster_init(struct roster *r)
{
    *r = (struct roster){0};
    MUST(uv_mutex_init(&r->mutex) == 0);
}

static void clear(struct roster *r)
{
    for (size_t i = 0; i < r->count; i++)
        free(r->names[i]);
    free(r->names);
    r->names = NULL;
    r->count = 0;
}

void roster_fini(struct roster *r)
{
    clear(r);
    uv_mutex_destroy(&r->mutex);
}

void roster_set(struct roster *r, const struct script_listing *l)
{
    uv_mutex_lock(&r->mutex);
    clear(r);
    r->names = mem_zalloc((l->class_count + 1) * sizeof(*r->names));
    r->count = l->class_count;
    for (size_t i = 0; i < r->count; i++)
        r->names[i] = mem_dup(l->classes[i].name, strlen(l->classes[i].name));
    uv_mutex_unlock(&r->mutex);
}

int roster_each(struct roster *r, int (*each)(void *arg, const char *name),
                void *arg)
{
    int rc = 0;

    uv_mutex_lock(&r->mutex);
    for (size_t i = 0; i < r->count && rc == 0; i++)
        rc = each(arg, r->names[i]);
    uv_mutex_unlock(&r->mutex);
    return rc;
}
