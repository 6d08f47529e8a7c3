/* memory.c - the allocator of a state: counts, and refuses past the limit. */
#include <stdlib.h>
#include <string.h>

#include "vm/arena.h"
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

/* Room for `size` bytes, in the block if there is some. */
static void *take(struct vm *vm, size_t size)
{
    if (vm->models != NULL)
        return image_take(vm, size);
    void *p = block_take(&vm->block, size);
    if (p != NULL)
        return p;
    struct arena *arena = vm->config.arena;
    p = arena == NULL ? malloc(size) : arena_take(arena, size);
    vm->outside += p != NULL;
    return p;
}

static void give(struct vm *vm, void *p, size_t size)
{
    if (block_has(&vm->block, p)) {
        block_give(&vm->block, p, size);
        return;
    }
    vm->outside -= p != NULL;
    if (vm->config.arena == NULL)
        free(p);
    else
        arena_give(vm->config.arena, p, size);
}

/* Of what is outside of the block. */
static void *resize_outside(struct vm *vm, void *p, size_t old, size_t size)
{
    if (vm->config.arena == NULL)
        return realloc(p, size);
    return arena_resize(vm->config.arena, p, old, size);
}

static void *resize(struct vm *vm, void *p, size_t old, size_t size)
{
    if (p != NULL && !block_has(&vm->block, p))
        return resize_outside(vm, p, old, size);
    if (p != NULL && block_round(size) == block_round(old))
        return p;
    void *q = take(vm, size);
    if (q == NULL || p == NULL)
        return q;
    memcpy(q, p, old);
    block_give(&vm->block, p, old);
    return q;
}

static void *grow(struct vm *vm, void *p, size_t old, size_t size)
{
    size_t more = size - old;

    if (vm->fuse != 0 && --vm->fuse == 0)
        vm->limit = 0;
    if (vm->used > vm->limit || more > vm->limit - vm->used)
        return refuse(vm, p, size);
    void *q = resize(vm, p, old, size);
    if (q == NULL)
        return refuse(vm, p, size);
    vm->refused_n = 0;
    vm->used += more;
    return q;
}

/* Lua relies on it that this cannot fail. */
static void *shrink(struct vm *vm, void *p, size_t old, size_t size)
{
    vm->used -= old - size;
    if (block_has(&vm->block, p)) {
        block_shrink(&vm->block, p, old, size);
        return p;
    }
    void *q = resize_outside(vm, p, old, size);
    return q != NULL ? q : p;
}

void *vm_allocate(void *ud, void *p, size_t old, size_t size)
{
    struct vm *vm = ud;

    if (p == NULL)
        old = 0; /* it was the type of the new value */
    if (size == 0) {
        give(vm, p, old);
        vm->used -= old;
        return NULL;
    }
    return size > old ? grow(vm, p, old, size) : shrink(vm, p, old, size);
}
