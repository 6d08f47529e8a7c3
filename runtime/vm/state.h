/*
 * state.h - what the files of this folder know about a vm.  Private to vm/.
 *
 * `at` is the coroutine whose code runs now.  Every place that enters another
 * one goes through vm_enter / vm_leave, so that a vm which must end, or a tick
 * of the watch, stops the coroutine that runs, whichever it is.
 */
#ifndef VM_STATE_H
#define VM_STATE_H

#include <lauxlib.h>
#include <lua.h>
#include <signal.h>
#include <time.h>

#include "base/buf.h"
#include "vm/block.h"
#include "vm/task.h"
#include "vm/vm.h"
#include "vm/watch.h"

/* Marks of one coroutine, in the low bits of its extra space. */
enum {
    MARK_TASK = 1,   /* a task's own: never a script's to resume */
    MARK_PARKED = 2, /* stopped by a wait or preemption of its task */
    MARK_SEEN = 4,   /* a task's own that the script has got hold of */
    MARK_ALL = 7
};

/* Why the runtime yields; a script's own coroutine.yield is none of these. */
enum vm_yield { YIELD_SCRIPT, YIELD_WAIT, YIELD_PREEMPT };

/* Processor time of what runs now; see meter.c. */
struct meter {
    uint64_t before_ns;     /* used by the task in earlier runs */
    uint64_t start_ns;      /* of this run */
    uint64_t alert_ns;      /* nothing to check before */
    uint64_t slice_ns;      /* end of the slice; UINT64_MAX: none */
    uint64_t budget_ns;     /* the limit cannot be reached before */
    uint64_t floor_cpu_ns;  /* processor time of the thread, some time before */
    uint64_t anchor_cpu_ns; /* ... when used_ns was known; 0: not yet */
    uint64_t used_ns;       /* of this run, at the anchor */
    uint64_t begin_ns; /* for the next meter_begin: the time, or 0: unknown */
    uint64_t end_ns;   /* the time at meter_end */
};

/* What the signal handler sees; `at`, `is_due` and `cpu_ns` change under it and
 * by it. */
struct watch {
    lua_State *volatile at; /* coroutine that runs on the thread, or NULL */
    volatile sig_atomic_t is_due; /* a tick that no hook has answered yet */
    volatile uint64_t cpu_ns;     /* processor time at the last tick */
    uint64_t rest_ns;             /* no tick counts before, in processor time */
    uint64_t tick_ns;             /* between two ticks */
    timer_t timer;
    sigset_t before; /* signals blocked before watch_open */
};

struct models;

struct vm {
    struct vm_config config;
    lua_State *L;         /* main coroutine */
    lua_State *at;        /* coroutine that runs; NULL outside */
    lua_State *beneath;   /* of another vm, which `at` keeps waiting, or NULL */
    struct task *current; /* task that runs */
    enum vm_yield yield;  /* of the yield under way */
    int walls;   /* C calls below the running coroutine that cannot yield */
    int closing; /* coroutines being closed, one inside the other */
    int loading; /* modules being loaded, one inside the other */
    const char *forbidden; /* task_forbid_wait */

    struct block block;    /* that it lies in, or none */
    struct models *models; /* it is one of them, or NULL (image.c) */
    size_t used;           /* bytes */
    size_t outside;        /* pieces that are not in the block */
    bool has_finalizers;   /* it has, or had, something with one */
    size_t limit;          /* bytes */
    void *refused;         /* the last request was refused: its block */
    size_t refused_n;      /* and size; 0: it was not */
    uint64_t fuse;         /* vm_fail_allocation; 0: off */

    struct meter meter;
    uint64_t charged; /* steps since the clock was read */
    uint64_t cpu_ns;  /* of all runs */

    enum vm_death death;
    char *text;         /* owned; NULL while alive */
    struct buf scratch; /* vm_scratch */

    struct list tasks; /* all that are not free */
    struct list idle;  /* free ones with a coroutine to use again */
    int task_n, idle_n;
    int begun_n; /* tasks so far, while that matters to the collector */
};

static inline uintptr_t *vm_extra(lua_State *L)
{
    return (uintptr_t *)lua_getextraspace(L);
}

static inline struct vm *vm_get(lua_State *L)
{
    return (struct vm *)(*vm_extra(L) & ~(uintptr_t)MARK_ALL);
}

/* The parts of vm_new and vm_free, around memory that is the caller's: fill
 * `vm` (zeroed) by all but a state; make the state; end it and drop what
 * vm_init held. */
void vm_init(struct vm *vm, const struct vm_config *config);
int vm_open(struct vm *vm);
void vm_fini(struct vm *vm);

/* LUA_ERRMEM came out of a protected call. */
void vm_out_of_memory(struct vm *vm);
/* Let nothing of the script run in `L` any more. */
void vm_disarm(lua_State *L);

/* memory.c: the allocator; `ud` is the vm. */
void *vm_allocate(void *ud, void *p, size_t old, size_t size);

/* image.c: memory for a model, of its block alone; NULL when that is full. */
void *image_take(struct vm *vm, size_t size);

/* meter.c: one run of at most `slice_ns` (0: no slices) by something that has
 * used `before_ns` already; meter_end returns the time that it took. */
void meter_begin(struct vm *vm, uint64_t before_ns, uint64_t slice_ns);
uint64_t meter_end(struct vm *vm);
/* The hook of every coroutine, or, with a watch, of the one that a tick hit:
 * it takes itself away. */
void meter_hook(lua_State *L, lua_Debug *ar);
/* Every so many instructions. */
enum { METER_COUNT = 1000 };

/* The outermost coroutine of the vm begins or ends. */
static inline void vm_watch_outermost(struct vm *vm, lua_State *L)
{
    struct watch *w = vm->config.watch;

    if (L == NULL) {
        w->at = vm->beneath;
        return;
    }
    vm->beneath = w->at;
    w->is_due = w->is_due && w->at != NULL;
    w->at = L;
}

/* Control moves between two coroutines.  A tick that the one before has not
 * answered goes with it: it may never run again. */
static inline void vm_watch_inner(struct watch *w, lua_State *L)
{
    w->at = L;
    if (w->is_due && lua_gethookmask(L) == 0)
        lua_sethook(L, meter_hook, LUA_MASKCOUNT, 1);
}

static inline void vm_move(struct vm *vm, lua_State *to)
{
    lua_State *from = vm->at;

    vm->at = to;
    if (vm->config.watch != NULL) {
        if (from == NULL || to == NULL)
            vm_watch_outermost(vm, to);
        else
            vm_watch_inner(vm->config.watch, to);
    }
    if (vm->death != VM_ALIVE && to != NULL)
        vm_disarm(to);
}

/* `L` runs from now on; returns what ran, for vm_leave. */
static inline lua_State *vm_enter(struct vm *vm, lua_State *L)
{
    lua_State *outer = vm->at;

    vm_move(vm, L);
    return outer;
}

static inline void vm_leave(struct vm *vm, lua_State *outer)
{
    vm_move(vm, outer);
}

/* task.c: free all tasks. */
void task_free_all(struct vm *vm);

/* Open the sandbox in a fresh state. [raises] (sandbox.c) */
void sandbox_open(lua_State *L);
/* If the table at `idx` is a library not used yet, fill it. [raises: mem] */
void sandbox_fill(lua_State *L, int idx);
/* Whether the library `math` is in use; then sandbox_seed gives math.random new
 * numbers to begin with, else it does nothing. [raises: mem] */
bool sandbox_has_seed(lua_State *L);
void sandbox_seed(lua_State *L, lua_Integer a, lua_Integer b);
/* Fill a library table at index `t` (absolute). [raises: mem] */
void os_fill(lua_State *L, int t);
/* Lists that end with {NULL, NULL}. */
extern const luaL_Reg base_lib[];      /* base.c: our own of _G; NULL: absent */
extern const luaL_Reg protect_lib[];   /* protect.c: pcall, xpcall */
extern const luaL_Reg coroutine_lib[]; /* coroutine.c */
extern const luaL_Reg arith_lib[];     /* arith.c: metamethods of strings */
int base_next(lua_State *L);           /* what pairs returns */
/* debug.traceback (protect.c) */
int protect_traceback(lua_State *L);
/* Message handler of vm_protect: the error as text, with a traceback. */
int protect_explain(lua_State *L);
/* load (load.c) and require (require.c), as in API.md, section 1. */
int load_chunk(lua_State *L);
int require_module(lua_State *L);
/* A coroutine failed that left modules half loaded: `depth` were being loaded
 * when it was resumed.  Never raises. */
void require_unwind(lua_State *L, int depth);

#endif
