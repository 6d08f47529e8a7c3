#include "vm/vm.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "vm/arena.h"
#include "vm/code.h"
#include "vm/hashseed.h"
#include "vm/state.h"

static int panic(lua_State *L)
{
    (void)L;
    must_fail(__FILE__, __LINE__, "an error is inside a protected call");
}

static int open(lua_State *L)
{
    lua_atpanic(L, panic);
    if (vm_get(L)->config.watch == NULL)
        lua_sethook(L, meter_hook, LUA_MASKCOUNT, METER_COUNT);
    sandbox_open(L);
    return 0;
}

void vm_init(struct vm *vm, const struct vm_config *config)
{
    vm->config = *config;
    vm->limit = config->memory_bytes;
    list_init(&vm->tasks);
    list_init(&vm->idle);
    if (config->code != NULL)
        code_hold(config->code);
}

int vm_open(struct vm *vm)
{
    vm->L = vm->config.hash_seed == 0
                ? lua_newstate(vm_allocate, vm)
                : hashseed_new_state(vm_allocate, vm, vm->config.hash_seed);
    if (vm->L == NULL)
        return ERR_NOMEM;
    *vm_extra(vm->L) = (uintptr_t)vm;
    lua_gc(vm->L, LUA_GCSTOP); /* task.c begins to collect */
    if (vm_protect(vm, open, NULL, NULL) != 0)
        return ERR_NOMEM;
    vm->cpu_ns = 0;
    return 0;
}

int vm_new(const struct vm_config *config, struct vm **out)
{
    struct vm *vm = mem_zalloc(sizeof(*vm));

    *out = NULL;
    vm_init(vm, config);
    int rc = vm_open(vm);

    if (rc == 0)
        *out = vm;
    else
        vm_free(vm);
    return rc;
}

/* Lua looks at each value once more when it closes a state. */
static void close_state(struct vm *vm)
{
    bool is_in_block = vm->models == NULL && vm->outside == 0;

    if (vm->L == NULL || (is_in_block && !vm->has_finalizers))
        return;
    lua_close(vm->L);
    MUST(vm->used == 0);
}

void vm_fini(struct vm *vm)
{
    MUST(vm->at == NULL);
    if (vm->death == VM_ALIVE)
        vm_kill(vm, VM_ABORTED, "the state is gone");
    task_free_all(vm); /* waits may point into userdata */
    close_state(vm);
    code_drop(vm->config.code);
    free(vm->text);
    buf_fini(&vm->scratch);
}

void vm_free(struct vm *vm)
{
    if (vm == NULL)
        return;
    struct arena *arena = vm->block.n != 0 ? vm->config.arena : NULL;
    size_t n = vm->block.n;

    vm_fini(vm);
    if (arena != NULL)
        arena_give(arena, vm, n);
    else
        free(vm);
}

lua_State *vm_lua(struct vm *vm)
{
    return vm->L;
}

struct vm *vm_of(lua_State *L)
{
    return vm_get(L);
}

void *vm_owner(const struct vm *vm)
{
    return vm->config.owner;
}

const struct vm_config *vm_config(const struct vm *vm)
{
    return &vm->config;
}

void vm_has_finalizers(lua_State *L)
{
    vm_get(L)->has_finalizers = true;
}

struct buf *vm_scratch(lua_State *L)
{
    return &vm_get(L)->scratch;
}

size_t vm_memory(const struct vm *vm)
{
    return vm->used;
}

uint64_t vm_cpu_ns(const struct vm *vm)
{
    return vm->cpu_ns;
}

void vm_fail_allocation(struct vm *vm, uint64_t nth)
{
    vm->fuse = nth;
}

/* ---- the end of a state ---- */

/* Calls count too: the first thing that an unwinding error runs is a __close
 * metamethod or a message handler. */
void vm_disarm(lua_State *L)
{
    lua_sethook(L, meter_hook, LUA_MASKCALL | LUA_MASKCOUNT, 1);
}

void vm_kill(struct vm *vm, enum vm_death why, const char *text)
{
    MUST(why != VM_ALIVE);
    if (vm->death != VM_ALIVE)
        return;
    vm->death = why;
    vm->text = mem_dup(text, strlen(text));
    if (vm->at != NULL)
        vm_disarm(vm->at);
}

void vm_out_of_memory(struct vm *vm)
{
    size_t tenths = vm->config.memory_bytes / (1024 * 1024 / 10);
    struct error e;

    if (vm->config.memory_bytes % (1024 * 1024) == 0)
        error_set(&e, ERR_NOMEM, "memory limit of %zu MB exceeded",
                  vm->config.memory_bytes / (1024 * 1024));
    else
        error_set(&e, ERR_NOMEM, "memory limit of %zu.%zu MB exceeded",
                  tenths / 10, tenths % 10);
    vm_kill(vm, VM_MEMORY, e.text);
}

int vm_die(lua_State *L)
{
    MUST(vm_get(L)->death != VM_ALIVE);
    vm_disarm(L);
    if (lua_isyieldable(L))
        return lua_yield(L, 0);
    lua_pushlightuserdata(L, NULL); /* nobody sees it; needs no memory */
    return lua_error(L);
}

enum vm_death vm_death(const struct vm *vm)
{
    return vm->death;
}

const char *vm_death_text(const struct vm *vm)
{
    return vm->text == NULL ? "" : vm->text;
}

void vm_outside(lua_State *L)
{
    struct vm *vm = vm_get(L);

    if (vm->models == NULL)
        return;
    vm_kill(vm, VM_ABORTED, "an image cannot know what is outside");
    vm_die(L);
}

/* ---- entering from C ---- */

/* What runs stands still meanwhile: its task and its time. */
static int call_protected(struct vm *vm, bool is_outermost)
{
    struct task *task = vm->current;
    lua_State *outer = vm_enter(vm, vm->L);

    vm->current = NULL;
    if (is_outermost)
        meter_begin(vm, 0, 0);
    int rc = lua_pcall(vm->L, 1, 0, -3);
    if (is_outermost)
        meter_end(vm);
    vm->current = task;
    if (rc == LUA_ERRMEM)
        vm_out_of_memory(vm);
    vm_leave(vm, outer);
    return rc;
}

int vm_protect(struct vm *vm, lua_CFunction fn, void *arg, struct error *err)
{
    lua_State *L = vm->L;
    int rc = LUA_OK;

    if (vm->death == VM_ALIVE) {
        /* None of these allocates but the second stack check, which LUA_ERRMEM
         * does not leave. */
        if (!lua_checkstack(L, 4))
            vm_out_of_memory(vm);
    }
    if (vm->death == VM_ALIVE) {
        lua_pushcfunction(L, protect_explain);
        lua_pushcfunction(L, fn);
        lua_pushlightuserdata(L, arg);
        rc = call_protected(vm, vm->at == NULL);
        if (rc != LUA_OK && vm->death == VM_ALIVE)
            error_set(err, ERR_LUA, "%s", lua_tostring(L, -1));
        lua_pop(L, rc == LUA_OK ? 1 : 2);
    }
    if (vm->death != VM_ALIVE)
        return error_set(err, vm->death == VM_MEMORY ? ERR_NOMEM : ERR_RESET,
                         "%s", vm->text);
    return rc == LUA_OK ? 0 : ERR_LUA;
}

void vm_collect(struct vm *vm)
{
    MUST(vm->at == NULL);
    if (vm->death == VM_ALIVE)
        lua_gc(vm->L, LUA_GCCOLLECT);
}
