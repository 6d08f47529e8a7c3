/* memory.c - the allocator of a state: counts, and refuses past the limit. */
#include <stdlib.h>

#include "vm/state.h"

/* Lua answers a refusal with a full collection and asks once more for the very
 * same; a second refusal is therefore an error that it will raise. */
static void *refuse(struct vm *vm, void *p, size_t size)
{
    if (vm->refused_n == size && vm->refused == p)
        vm_out_of_memory(vm);
    vm->refused = p;
    vm->refused_n = size;
    return NULL;
}

static void *grow(struct vm *vm, void *p, size_t old, size_t size)
{
    size_t more = size - old;

    if (vm->fuse != 0 && --vm->fuse == 0)
        vm->limit = 0;
    if (vm->used > vm->limit || more > vm->limit - vm->used)
        return refuse(vm, p, size);
    void *q = realloc(p, size);
    if (q == NULL)
        return refuse(vm, p, size);
    vm->refused_n = 0;
    vm->used += more;
    return q;
}

static void *shrink(struct vm *vm, void *p, size_t old, size_t size)
{
    void *q = realloc(p, size);

    vm->used -= old - size;
    return q != NULL ? q : p; /* Lua relies on it: this cannot fail */
}

void *vm_allocate(void *ud, void *p, size_t old, size_t size)
{
    struct vm *vm = ud;

    if (p == NULL)
        old = 0; /* it was the type of the new value */
    if (size == 0) {
        free(p);
        vm->used -= old;
        return NULL;
    }
    return size > old ? grow(vm, p, old, size) : shrink(vm, p, old, size);
}
