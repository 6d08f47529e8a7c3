/*
 * image.c - making two models of a state, finding the pointers in them, and
 * copying.
 *
 *   | struct vm | lua_State | heap ... |   | struct vm | lua_State | heap ... |
 *   |<-------------- distance -------->|
 *
 * Lua seeds its string hashes with the address of the state: the second model
 * gets the seed of the first before either has a string.  Both are alive when
 * they are compared: memory outside that userdata of the first point to is not
 * given to the second as well, and shows as a difference.
 */
#include "vm/image.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "vm/arena.h"
#include "vm/state.h"

enum {
    ROOM = 1 << 20, /* of a model, at most */
    PAGE = 4096,
    STALE = 100,    /* more slots than a stack keeps in a collection */
    HASH_BITS = 30, /* of the largest table with a distance of its own */
    WORD = sizeof(uintptr_t)
};

/* Before this the struct vm, which every copy makes anew. */
static const size_t body_at = (sizeof(struct vm) + WORD - 1) / WORD * WORD;

struct image {
    char *bytes;     /* pointers count from the begin of the block */
    uint32_t *moved; /* places of the pointers, in words */
    size_t moved_n;
    size_t n;           /* bytes */
    size_t room;        /* bytes of a copy: whole pages */
    struct block block; /* of the model */
    size_t lua;         /* place of the lua_State */
    size_t used;        /* by Lua's count */
    bool has_seed;
    bool has_finalizers;
};

struct models {
    const struct vm_config *config;
    int (*fill)(lua_State *L);
    void *arg;
    char *memory;     /* of both */
    size_t distance;  /* between them */
    char *fresh;      /* the first one's lua_State as it was, owned */
    size_t lua_end;   /* of the first one's; 0 before it is made */
    bool is_begun;    /* the one under way has more than that */
    bool is_seedless; /* the second one's seed was not found */
    bool has_seed;    /* math is in use */
};

/*
 * Bytes between the models.  A table with 2^k places puts a key that is a
 * pointer to another place in each.  The lowest bytes of a pointer differ, so
 * that what is left of one under a shorter value can be told from one.
 */
static bool is_distance(size_t n)
{
    for (int k = 2; k <= HASH_BITS; k++)
        if (n % (((size_t)1 << k) - 1) == 0)
            return false;
    return true;
}

static size_t choose_distance(void)
{
    size_t n = ROOM + 0x1010;

    while (!is_distance(n))
        n += WORD;
    return n;
}

static uintptr_t word_at(const char *p)
{
    uintptr_t w;

    memcpy(&w, p, WORD);
    return w;
}

/* ---- models ---- */

/* The one word of the second lua_State that is neither the first one's nor
 * moved like a pointer has the seed: make it the same. */
static void share_seed(struct models *m, char *lua)
{
    size_t n = m->lua_end - body_at;
    char *seed = NULL;
    uintptr_t was = 0;

    for (size_t at = 0; at < n; at += WORD) {
        uintptr_t a = word_at(m->fresh + at);
        uintptr_t b = word_at(lua + at);

        if (a == b || b - a == m->distance)
            continue;
        m->is_seedless = m->is_seedless || seed != NULL;
        seed = lua + at;
        was = a;
    }
    if (seed != NULL && !m->is_seedless)
        memcpy(seed, &was, WORD);
}

/* The first piece has been filled with the lua_State, but for strings. */
static void begin_heap(struct models *m, struct block *b)
{
    m->is_begun = true;
    if (m->lua_end != 0) {
        share_seed(m, b->begin + body_at);
        return;
    }
    m->lua_end = b->used;
    m->fresh = mem_alloc(m->lua_end - body_at);
    memcpy(m->fresh, b->begin + body_at, m->lua_end - body_at);
}

void *image_take(struct vm *vm, size_t size)
{
    if (vm->block.used != body_at && !vm->models->is_begun)
        begin_heap(vm->models, &vm->block);
    return block_take(&vm->block, size);
}

/* Leave nothing in the unused part of the stack. */
static int clean(lua_State *L)
{
    struct models *m = lua_touserdata(L, 1);

    sandbox_seed(L, 0, 0);
    m->has_seed = sandbox_has_seed(L);
    luaL_checkstack(L, STALE, NULL);
    for (int i = 0; i < STALE; i++)
        lua_pushinteger(L, 0);
    return 0;
}

/* Never inlined: while it is made, the state has the address of a C frame. */
__attribute__((noinline)) static int make(struct models *m, struct vm *vm)
{
    m->is_begun = false;
    vm_init(vm, m->config);
    vm->models = m;
    vm->block = (struct block){
        .begin = (char *)vm, .n = ROOM, .used = body_at, .is_clean = true};
    int rc = vm_open(vm);
    if (rc == 0)
        rc = vm_protect(vm, m->fill, m->arg, NULL);
    if (rc == 0)
        rc = vm_protect(vm, clean, m, NULL);
    if (rc == 0)
        vm_collect(vm);
    return rc;
}

/* ---- the pointers ---- */

enum word { WORD_SAME, WORD_MOVED, WORD_STALE, WORD_OTHER };

/*
 * What the word `a` of the first model, which ends `n` bytes after `begin`, is
 * when the second has `b` there.  A stale one is what is left of a pointer
 * under one byte: a closed upvalue's type.
 */
static enum word judge(const struct models *m, size_t n, uintptr_t a,
                       uintptr_t b)
{
    size_t to = a - (uintptr_t)m->memory;
    size_t apart = (b >> 8) - (a >> 8) - (m->distance >> 8);

    if (a == b)
        return to < 2 * m->distance ? WORD_OTHER : WORD_SAME;
    if (b - a == m->distance && to <= n)
        return WORD_MOVED;
    if ((a & 0xff) == (b & 0xff) && apart <= 1 && to <= n + 0xff)
        return WORD_STALE;
    return WORD_OTHER;
}

static int find_pointers(const struct models *m, struct image *image)
{
    for (size_t at = body_at; at < image->n; at += WORD) {
        uintptr_t a = word_at(m->memory + at);

        switch (judge(m, image->n, a, word_at(m->memory + m->distance + at))) {
        case WORD_SAME:
            continue;
        case WORD_MOVED:
            a -= (uintptr_t)m->memory;
            image->moved[image->moved_n++] = (uint32_t)(at / WORD);
            break;
        case WORD_STALE:
            a &= 0xff;
            break;
        case WORD_OTHER:
            return ERR_INVALID;
        }
        memcpy(image->bytes + at, &a, WORD);
    }
    return 0;
}

static int compare(const struct models *m, const struct vm *first,
                   const struct vm *second, struct image **out)
{
    struct image *image = mem_zalloc(sizeof(*image));
    size_t n = first->block.used;

    *image = (struct image){.bytes = mem_alloc(n),
                            .moved = mem_alloc(n / WORD * sizeof(uint32_t)),
                            .n = n,
                            .room = (n + PAGE - 1) / PAGE * PAGE,
                            .block = first->block,
                            .lua = (size_t)((char *)first->L - m->memory),
                            .used = first->used,
                            .has_seed = m->has_seed,
                            .has_finalizers = first->has_finalizers};
    memcpy(image->bytes, m->memory, n);
    int rc = ERR_INVALID;
    if (!m->is_seedless && second->used == first->used &&
        second->block.used == n)
        rc = find_pointers(m, image);
    if (rc != 0) {
        image_free(image);
        return rc;
    }
    image->moved = mem_realloc(image->moved, image->moved_n * sizeof(uint32_t));
    *out = image;
    return 0;
}

static int make_both(struct models *m, struct image **out)
{
    struct vm *first = (struct vm *)(void *)m->memory;
    struct vm *second = (struct vm *)(void *)(m->memory + m->distance);
    int rc = make(m, first);

    if (rc == 0) {
        rc = make(m, second);
        if (rc == 0)
            rc = compare(m, first, second, out);
        vm_fini(second);
    }
    vm_fini(first);
    free(m->fresh);
    return rc;
}

/* ---- making ---- */

static char *models_take(const struct vm_config *config, size_t n)
{
    if (config->arena == NULL)
        return mem_zalloc(n);
    char *p = arena_take(config->arena, n);
    return p == NULL ? NULL : memset(p, 0, n);
}

static void models_give(const struct vm_config *config, char *p, size_t n)
{
    if (config->arena == NULL)
        free(p);
    else
        arena_give(config->arena, p, n);
}

int image_new(const struct vm_config *config, int (*fill)(lua_State *L),
              void *arg, struct image **out)
{
    struct vm_config counted = *config;
    struct models m = {.config = &counted,
                       .fill = fill,
                       .arg = arg,
                       .distance = choose_distance()};
    size_t size = 2 * m.distance;
    int rc = ERR_INVALID;

    *out = NULL;
    counted.watch = NULL; /* its ticks come when they like, and leave traces */
    m.memory = models_take(config, size);
    if (m.memory == NULL)
        return ERR_NOMEM;
    /* Lua hashes a pointer's low 32 bits: they must be as far apart. */
    uintptr_t begin = (uintptr_t)m.memory;
    if (begin >> 32 == (begin + size) >> 32)
        rc = make_both(&m, out);
    models_give(config, m.memory, size);
    return rc;
}

void image_free(struct image *image)
{
    if (image == NULL)
        return;
    free(image->bytes);
    free(image->moved);
    free(image);
}

/* ---- copying ---- */

static void move_pointers(const struct image *image, char *p)
{
    uintptr_t *words = (uintptr_t *)(void *)p;

    for (size_t i = 0; i < image->moved_n; i++)
        words[image->moved[i]] += (uintptr_t)p;
}

static void init_block(const struct image *image, struct block *b, char *p)
{
    *b = (struct block){.begin = p, .n = image->room, .used = image->n};
    for (int i = 0; i < BLOCK_LISTS; i++) {
        char *hole = image->block.holes[i];

        if (hole != NULL)
            b->holes[i] = p + (hole - image->block.begin);
    }
}

static int seed(lua_State *L)
{
    struct random *r = vm_get(L)->config.random;
    lua_Integer a = (lua_Integer)random_u64(r);

    sandbox_seed(L, a, (lua_Integer)random_u64(r));
    return 0;
}

int image_copy(const struct image *image, const struct vm_config *config,
               struct vm **out)
{
    *out = NULL;
    if (image->used > config->memory_bytes)
        return ERR_NOMEM;
    /* From the begin of a page: elsewhere jemalloc would spread it over one
     * page more. */
    char *p = config->arena == NULL ? aligned_alloc(PAGE, image->room)
                                    : arena_take(config->arena, image->room);
    if (p == NULL)
        return ERR_NOMEM;
    struct vm *vm = (struct vm *)(void *)p;

    memset(p, 0, body_at);
    memcpy(p + body_at, image->bytes + body_at, image->n - body_at);
    move_pointers(image, p);
    vm_init(vm, config);
    init_block(image, &vm->block, p);
    vm->L = (lua_State *)(void *)(p + image->lua);
    vm->used = image->used;
    vm->has_finalizers = image->has_finalizers;
    lua_sethook(vm->L, config->watch == NULL ? meter_hook : NULL,
                config->watch == NULL ? LUA_MASKCOUNT : 0, METER_COUNT);
    if (image->has_seed && vm_protect(vm, seed, NULL, NULL) != 0) {
        vm_free(vm);
        return ERR_NOMEM;
    }
    vm->cpu_ns = 0;
    *out = vm;
    return 0;
}
