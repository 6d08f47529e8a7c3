#include "vm/task.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/must.h"
#include "vm/state.h"

enum {
    SPARE_TASKS = 4,
    GENERATIONS_FROM = 8,
    FIRST_KB = 32,
    ROOM = LUA_MINSTACK
};

/* A task, and its place among those of the vm: in use, or idle with a
 * coroutine that can be used again. */
struct slot {
    struct task task;
    struct list link;
};

static int new_coroutine(lua_State *L)
{
    struct task *t = lua_touserdata(L, 1);

    t->L = lua_newthread(L);
    *vm_extra(t->L) |= MARK_TASK;
    t->ref = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

static struct slot *new_slot(struct vm *vm)
{
    struct slot *s = mem_zalloc(sizeof(*s));

    s->task.ref = LUA_NOREF;
    list_init(&s->link);
    if (vm_protect(vm, new_coroutine, &s->task, NULL) == 0)
        return s;
    free(s);
    return NULL;
}

static struct slot *take_slot(struct vm *vm)
{
    struct list *link = list_shift(&vm->idle);

    if (link == NULL)
        return new_slot(vm);
    vm->idle_n--;
    return container_of(link, struct slot, link);
}

/*
 * A state that only loads its script and answers once is not worth a
 * collection.  One that goes on leaves short-lived values behind, so it goes
 * over to generations.  Lua 5.4.4 then waits for the memory to double before
 * its first collection of the young, unless it is asked for one.
 */
static void collect_from_now_on(struct vm *vm)
{
    if (vm->begun_n == 0) {
        lua_gc(vm->L, LUA_GCRESTART);
        /* A step backwards: the first collection comes after so much more. */
        lua_gc(vm->L, LUA_GCSTEP, -FIRST_KB);
    } else if (vm->begun_n == GENERATIONS_FROM) {
        lua_gc(vm->L, LUA_GCGEN, 0, 0);
        lua_gc(vm->L, LUA_GCSTEP, 0);
    }
    vm->begun_n++;
}

int task_new(struct vm *vm, int (*entry)(lua_State *L), void *arg,
             void (*ready)(struct task *t), void *owner, struct task **out)
{
    struct slot *s = vm->death == VM_ALIVE ? take_slot(vm) : NULL;

    *out = NULL;
    if (s == NULL)
        return ERR_NOMEM;
    if (vm->begun_n <= GENERATIONS_FROM)
        collect_from_now_on(vm);
    s->task = (struct task){
        .vm = vm,
        .L = s->task.L,
        .ref = s->task.ref,
        .status = TASK_READY,
        .owner = owner,
        .ready = ready,
    };
    list_init(&s->task.link);
    list_push(&vm->tasks, &s->link);
    vm->task_n++;
    lua_pushcfunction(s->task.L, entry);
    lua_pushlightuserdata(s->task.L, arg);
    *out = &s->task;
    return 0;
}

/* Close what the task left open: its <close> variables.  Code of the
 * script: it runs as the task, but cannot wait. */
static void close_open(struct task *t)
{
    struct vm *vm = t->vm;
    struct task *outer_task = vm->current;

    if (vm->death != VM_ALIVE)
        return;
    vm->current = t;
    bool is_outermost = vm->at == NULL;
    if (is_outermost)
        meter_begin(vm, t->cpu_ns, 0);
    lua_State *outer = vm_enter(vm, t->L);
    int rc = lua_resetthread(t->L);
    vm_leave(vm, outer);
    if (is_outermost)
        t->cpu_ns += meter_end(vm);
    vm->current = outer_task;
    if (rc == LUA_ERRMEM)
        vm_out_of_memory(vm);
}

static int spare_max(const struct vm *vm)
{
    return vm->config.spare_tasks == 0 ? SPARE_TASKS : vm->config.spare_tasks;
}

/* A coroutine that the script may still hold keeps its identity. */
static bool is_reusable(const struct task *t)
{
    return t->vm->death == VM_ALIVE && t->vm->idle_n < spare_max(t->vm) &&
           lua_status(t->L) == LUA_OK && (*vm_extra(t->L) & MARK_SEEN) == 0;
}

static void free_slot(struct vm *vm, struct slot *s)
{
    luaL_unref(vm->L, LUA_REGISTRYINDEX, s->task.ref);
    free(s);
}

static void cancel_wait(struct task *t)
{
    struct wait *w = t->wait;

    if (w == NULL)
        return;
    t->wait = NULL;
    w->task = NULL;
    w->cancel(w);
}

static void release(struct vm *vm, struct task *t)
{
    struct slot *s = container_of(t, struct slot, task);

    MUST(t->status != TASK_RUNNING);
    cancel_wait(t);
    if (t->operation != NULL)
        t->drop(t->operation);
    t->operation = NULL;
    if (t->status == TASK_FAILED)
        close_open(t);
    list_unlink(&t->link);
    list_unlink(&s->link);
    vm->task_n--;
    if (!is_reusable(t)) {
        free_slot(vm, s);
        return;
    }
    lua_settop(t->L, 0);
    list_push(&vm->idle, &s->link);
    vm->idle_n++;
}

void task_free(struct task *t)
{
    release(t->vm, t);
}

void task_cancel(struct task *t)
{
    if (t->status != TASK_DONE && t->status != TASK_KILLED)
        t->status = TASK_FAILED;
    release(t->vm, t);
}

void task_free_all(struct vm *vm)
{
    struct list *l;

    while ((l = list_shift(&vm->tasks)) != NULL)
        release(vm, &container_of(l, struct slot, link)->task);
    while ((l = list_shift(&vm->idle)) != NULL)
        free_slot(vm, container_of(l, struct slot, link));
}

static void keep_idle(struct vm *vm, int count)
{
    while (vm->idle_n > count) {
        free_slot(vm, container_of(list_shift(&vm->idle), struct slot, link));
        vm->idle_n--;
    }
}

void task_trim(struct vm *vm)
{
    keep_idle(vm, SPARE_TASKS);
}

void task_drop_idle(struct vm *vm)
{
    keep_idle(vm, 0);
}

int task_count(const struct vm *vm)
{
    return vm->task_n;
}

/* ---- running ---- */

void task_meter(struct task *t)
{
    t->vm->meter.begin_ns = t->now_ns;
    meter_begin(t->vm, t->cpu_ns, t->vm->config.slice_ns);
}

void task_unmeter(struct task *t)
{
    t->cpu_ns += meter_end(t->vm);
    t->now_ns = t->vm->meter.end_ns;
}

static enum task_status yielded(struct task *t)
{
    enum vm_yield why = t->vm->yield;

    t->vm->yield = YIELD_SCRIPT;
    MUST(why != YIELD_SCRIPT); /* coroutine.yield is refused here */
    if (why == YIELD_PREEMPT)
        return TASK_PREEMPTED;
    return t->wait == NULL ? TASK_READY : TASK_WAITING;
}

static enum task_status stopped(struct task *t, int rc)
{
    struct vm *vm = t->vm;

    /* A stack overflow leaves room beyond the limit, so that this can only
     * fail for memory. */
    bool has_room = rc == LUA_YIELD || lua_checkstack(t->L, ROOM);

    if (rc == LUA_ERRMEM || !has_room)
        vm_out_of_memory(vm);
    if (vm->death != VM_ALIVE)
        return TASK_KILLED;
    if (rc == LUA_YIELD)
        return yielded(t);
    require_unwind(t->vm->L, 0);
    return rc == LUA_OK ? TASK_DONE : TASK_FAILED;
}

enum task_status task_resume(struct task *t)
{
    struct vm *vm = t->vm;
    int nargs = lua_status(t->L) == LUA_YIELD ? 0 : 1;
    int nres;

    MUST(t->status == TASK_READY || t->status == TASK_PREEMPTED);
    MUST(vm->at == NULL);
    if (vm->death != VM_ALIVE)
        return t->status = TASK_KILLED;
    t->status = TASK_RUNNING;
    vm->current = t;
    task_meter(t);
    vm_enter(vm, t->L);
    int rc = lua_resume(t->L, NULL, nargs, &nres);
    vm_leave(vm, NULL);
    task_unmeter(t);
    vm->current = NULL;
    return t->status = stopped(t, rc);
}

/* ---- waiting ---- */

struct task *task_current(lua_State *L)
{
    return vm_get(L)->current;
}

struct task *task_check(lua_State *L)
{
    struct vm *vm = vm_get(L);

    if (vm->death != VM_ALIVE)
        vm_die(L);
    if (vm->current == NULL || vm->loading > 0)
        luaL_error(L, "cannot wait while the script is loaded");
    if (vm->forbidden != NULL)
        luaL_error(L, "%s", vm->forbidden);
    if (vm->walls > 0 || !lua_isyieldable(L))
        luaL_error(L, "attempt to wait across a C-call boundary");
    return vm->current;
}

void task_forbid_wait(struct vm *vm, const char *why)
{
    vm->forbidden = why;
}

void wait_begin(struct wait *w, struct task *t, void (*cancel)(struct wait *))
{
    MUST(t->wait == NULL && t->status == TASK_RUNNING);
    w->task = t;
    w->cancel = cancel;
    t->wait = w;
    t->result = 0;
    t->vm->yield = YIELD_WAIT;
}

void wait_done(struct wait *w, int result)
{
    struct task *t = w->task;

    if (t == NULL)
        return;
    MUST(t->wait == w);
    w->task = NULL;
    t->wait = NULL;
    t->result = result;
    if (t->status == TASK_WAITING)
        t->status = TASK_READY;
    if (t->ready != NULL)
        t->ready(t);
}
