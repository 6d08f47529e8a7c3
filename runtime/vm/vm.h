/*
 * vm.h - one sandboxed Lua state: allocator with a cap, processor budget,
 * time slices, and an end that no pcall can swallow.
 *
 * Owned by an object or a router; one thread.  The sandbox is API.md,
 * section 1.  lua_getextraspace of every coroutine leads to the vm.
 *
 *   ALIVE --vm_kill--> DYING --task_resume returns TASK_KILLED--> vm_free
 */
#ifndef VM_VM_H
#define VM_VM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/logline.h"
#include "base/random.h"
#include "base/slice.h"

struct buf;
struct arena;
struct lua_State;
struct vm;
struct code;
struct watch;

enum vm_death {
    VM_ALIVE,
    VM_CPU,    /* past cpu_ns in one task */
    VM_MEMORY, /* past memory_bytes */
    VM_ABORTED /* vm_kill by the runtime: abort, critical storage error */
};

struct vm_config {
    const struct clock *clock; /* borrowed */
    struct random *random;     /* borrowed; seeds math.random */
    struct code *code;         /* held: modules that require finds */
    size_t memory_bytes;
    uint64_t cpu_ns;   /* per task */
    uint64_t slice_ns; /* one task_resume; 0: never preempt */
    /* Borrowed; of the thread that the vm runs on.  NULL: instructions are
     * counted instead, at half the speed (see watch.h). */
    struct watch *watch;
    /* For worlds: where its memory is from, borrowed (NULL: malloc), and the
     * seed of its string hashes (0: Lua's own).  With both the order of pairs
     * follows from what the script does. */
    struct arena *arena;
    uint32_t hash_seed;
    int spare_tasks; /* finished coroutines kept for reuse; 0: 4 */
    void *owner;     /* vm_owner() */
    /* print(...) and mk.log end here; borrowed slices. */
    void (*log)(void *owner, enum log_level level, struct slice message,
                struct slice fields);
};

/* A state with the sandboxed libraries and nothing of Moonkeep's own yet.
 * ERR_NOMEM when memory_bytes is too little for that. */
int vm_new(const struct vm_config *config, struct vm **out);
/* Free the state and all tasks; waits are cancelled. NULL is allowed. */
void vm_free(struct vm *vm);

struct lua_State *vm_lua(struct vm *vm); /* the main coroutine */
struct vm *vm_of(struct lua_State *L);   /* any coroutine of it */
void *vm_owner(const struct vm *vm);
const struct vm_config *vm_config(const struct vm *vm);
/* Bytes that the state has allocated now. */
size_t vm_memory(const struct vm *vm);
/* Processor time its tasks have used in all, in nanoseconds. */
uint64_t vm_cpu_ns(const struct vm *vm);

/* Pop a value and make it what require(name) returns in this state, before any
 * file of that name. [raises: mem] */
void vm_set_module(struct lua_State *L, const char *name);

/* Tests: the `nth` allocation from now, and all after it, are refused; 0:
 * none. */
void vm_fail_allocation(struct vm *vm, uint64_t nth);

/* Something of the state is about to get a finalizer, which vm_free then runs;
 * without one it just gives the memory back. */
void vm_has_finalizers(struct lua_State *L);
/* A buffer for whoever works on the state, freed with it; borrowed until the
 * next one asks. */
struct buf *vm_scratch(struct lua_State *L);

/* Free all that the script does not hold any more; takes some microseconds for
 * a small state.  Not while a task runs. */
void vm_collect(struct vm *vm);

/* Run `fn(L)` with `arg` as light userdata at index 1 in the main coroutine,
 * protected; nothing may wait in it.  Returns 0, or ERR_LUA / ERR_NOMEM /
 * ERR_RESET (the vm is dying) with `*err` filled (message and traceback). */
int vm_protect(struct vm *vm, int (*fn)(struct lua_State *L), void *arg,
               struct error *err);

/* The state must end: nothing of the script runs any more once the running
 * binding returns vm_die(L).  The first reason stays.  `text` is copied. */
void vm_kill(struct vm *vm, enum vm_death why, const char *text);
/* To be returned by a binding after vm_kill: leaves the script for good, by a
 * yield where possible, else by an error that pcall, xpcall, coroutines and
 * metamethods pass on.  [raises] */
int vm_die(struct lua_State *L);
/* To be called by a binding before it looks at, or does, something outside the
 * state: the owner, the time, random numbers, the log.  While the model of an
 * image is made (image.h) that ends it. [raises] */
void vm_outside(struct lua_State *L);
/* Why the state must end, and the text ("" while alive). */
enum vm_death vm_death(const struct vm *vm);
const char *vm_death_text(const struct vm *vm);

/* Count `steps` units of work (about the cost of one VM instruction each)
 * done by C on behalf of the script.  Returns true when the caller should let
 * others run: it then saves its state and yields with task_preempt() if
 * lua_isyieldable, else goes on.  Raises when the task is past its budget.
 * Cheap: a subtraction until a few thousand steps have gathered. [raises] */
bool vm_charge(struct lua_State *L, uint64_t steps);
/* As vm_charge from code that must not raise: true when the work must be
 * broken off (SQLite's progress handler); the binding then returns vm_die(L).
 */
bool vm_charge_quiet(struct vm *vm, uint64_t steps);

#endif
