/*
 * hosttest_vm.c - states inside the Lua process of a spec: scripts with test
 * bindings that wait, and whose waits the spec completes.
 *
 * In the script: wait() waits and returns the result (an integer); instant()
 * is a wait that is over before it begins; preempt() lets others run; spend(n)
 * charges n steps and tells whether to yield; abort(text) ends the state;
 * forbid(text or nil) forbids waiting.
 */
#include <lauxlib.h>
#include <lua.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/must.h"
#include "vm/code.h"
#include "vm/state.h"
#include "vm/task.h"
#include "vm/vm.h"
#include "vm/watch.h"

#define VM_MT "hosttest.vm"
enum { TASKS = 256 };

int luaopen_hosttest_vm(lua_State *L);

struct operation {
    struct wait wait;
    struct tvm *owner;
};

struct tvm {
    struct vm *vm;
    struct code *code;
    struct watch *watch; /* NULL: instructions are counted */
    timer_t ticks;       /* more ticks for the watch */
    bool has_ticks;
    struct clock clock;
    struct random random;
    struct buf log; /* one line a message: level, space, text */
    struct task *tasks[TASKS];
    struct operation ops[TASKS];
    char *chunks[TASKS];
    int ready, cancelled; /* how often */
};

/* ---- bindings that the script sees ---- */

static int wait_k(lua_State *L, int status, lua_KContext ctx)
{
    struct task *t = (struct task *)ctx;

    (void)status;
    lua_pushinteger(L, t->result);
    return 1;
}

static void on_cancel(struct wait *w)
{
    container_of(w, struct operation, wait)->owner->cancelled++;
}

static struct operation *begin(lua_State *L, struct task *t)
{
    struct tvm *v = vm_owner(vm_of(L));
    int i = 0;

    while (v->tasks[i] != t)
        i++;
    v->ops[i].owner = v;
    wait_begin(&v->ops[i].wait, t, on_cancel);
    return &v->ops[i];
}

static int script_wait(lua_State *L)
{
    struct task *t = task_check(L);

    begin(L, t);
    return lua_yieldk(L, 0, (lua_KContext)t, wait_k);
}

static int script_instant(lua_State *L)
{
    struct task *t = task_check(L);

    wait_done(&begin(L, t)->wait, 7);
    return lua_yieldk(L, 0, (lua_KContext)t, wait_k);
}

static int preempt_k(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    lua_pushinteger(L, (lua_Integer)ctx);
    return 1;
}

static int script_preempt(lua_State *L)
{
    return task_preempt(L, 5, preempt_k);
}

static int script_spend(lua_State *L)
{
    lua_pushboolean(L, vm_charge(L, (uint64_t)luaL_checkinteger(L, 1)));
    return 1;
}

/* doze(ms): time passes, of which the processor takes none, for ticks either.
 */
static int script_doze(lua_State *L)
{
    lua_Integer ms = luaL_checkinteger(L, 1);
    struct timespec left = {.tv_sec = ms / 1000,
                            .tv_nsec = ms % 1000 * 1000000};
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    nanosleep(&left, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return 0;
}

static int script_abort(lua_State *L)
{
    vm_kill(vm_of(L), VM_ABORTED, luaL_checkstring(L, 1));
    return vm_die(L);
}

static int script_forbid(lua_State *L)
{
    task_forbid_wait(vm_of(L), lua_isnil(L, 1) ? NULL : "waiting is forbidden");
    return 0;
}

static int script_protect_inner(lua_State *L)
{
    (void)L;
    return 0;
}

/* protect(): a vm_protect while the task runs. */
static int script_protect(lua_State *L)
{
    lua_pushinteger(L, vm_protect(vm_of(L), script_protect_inner, NULL, NULL));
    return 1;
}

static const luaL_Reg script_lib[] = {
    {"wait", script_wait},
    {"instant", script_instant},
    {"preempt", script_preempt},
    {"spend", script_spend},
    {"abort", script_abort},
    {"forbid", script_forbid},
    {"protect", script_protect},
    {"doze", script_doze},
    {NULL, NULL},
};

static int open_script(lua_State *L)
{
    lua_pushglobaltable(L);
    luaL_setfuncs(L, script_lib, 0);
    return 0;
}

/* ---- the vm ---- */

static struct tvm *check_tvm(lua_State *L)
{
    struct tvm *v = *(struct tvm **)luaL_checkudata(L, 1, VM_MT);

    luaL_argcheck(L, v != NULL && v->vm != NULL, 1, "freed");
    return v;
}

static void on_log(void *owner, enum log_level level, struct slice message,
                   struct slice fields)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    struct tvm *v = owner;

    (void)fields;
    buf_printf(&v->log, "%s ", names[level]);
    buf_add_slice(&v->log, message);
    buf_add_byte(&v->log, '\n');
}

static lua_Integer opt(lua_State *L, const char *key, lua_Integer otherwise)
{
    lua_getfield(L, 1, key);
    lua_Integer i = luaL_optinteger(L, -1, otherwise);
    lua_pop(L, 1);
    return i;
}

static void free_tvm(struct tvm *v)
{
    vm_free(v->vm);
    v->vm = NULL;
    if (v->has_ticks)
        timer_delete(v->ticks);
    v->has_ticks = false;
    watch_close(v->watch);
    v->watch = NULL;
    code_drop(v->code);
    v->code = NULL;
    buf_fini(&v->log);
    for (int i = 0; i < TASKS; i++) {
        free(v->chunks[i]);
        v->chunks[i] = NULL;
    }
}

static int fail(lua_State *L, const struct error *err)
{
    lua_pushnil(L);
    lua_pushstring(L, err->text);
    lua_pushstring(L, err_name(err->code));
    return 3;
}

/* T.code(main) -> code | nil, message, name: light userdata, see drop. */
static int t_code(lua_State *L)
{
    struct error err;
    struct code *c;

    if (code_new(luaL_checkstring(L, 1), &c, &err) != 0)
        return fail(L, &err);
    code_add_builtin(c, "moonkeep.probe",
                     SLICE("local x = ...\nreturn { got = x, where = "
                           "debug.traceback() }"));
    lua_pushlightuserdata(L, c);
    return 1;
}

static int t_drop(lua_State *L)
{
    code_drop(lua_touserdata(L, 1));
    return 0;
}

static void add_file(void *arg, const char *path)
{
    lua_State *L = arg;

    lua_pushstring(L, path);
    lua_rawseti(L, -2, luaL_len(L, -2) + 1);
}

static int t_files(lua_State *L)
{
    lua_newtable(L);
    code_files(lua_touserdata(L, 1), add_file, L);
    return 1;
}

static void start_ticks(struct tvm *v, lua_Integer every_us)
{
    const struct itimerspec every = {.it_interval.tv_nsec = every_us * 1000,
                                     .it_value.tv_nsec = every_us * 1000};
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID,
                             .sigev_signo = SIGRTMIN + 2,
                             .sigev_value.sival_ptr = v->watch};

    event._sigev_un._tid = gettid();
    MUST(timer_create(CLOCK_MONOTONIC, &event, &v->ticks) == 0);
    MUST(timer_settime(v->ticks, 0, &every, NULL) == 0);
    v->has_ticks = true;
}

/* T.vm{ memory=bytes, cpu=ms, slice=microseconds, code=, seed=, clock=ms,
 * spare=tasks, watch=1, tick=microseconds } -> vm | nil, name.  With watch=1 a
 * timer of the thread interrupts the script, as in the running program, and
 * with `tick` a second one more often; else instructions are counted. */
static int t_vm(lua_State *L)
{
    struct tvm **u = lua_newuserdatauv(L, sizeof(void *), 0);
    struct tvm *v = mem_zalloc(sizeof(*v));

    *u = v;
    luaL_setmetatable(L, VM_MT);
    lua_getfield(L, 1, "code");
    v->code = lua_touserdata(L, -1);
    if (v->code != NULL)
        code_hold(v->code);
    lua_pop(L, 1);
    clock_init_virtual(&v->clock, opt(L, "clock", 1700000000000));
    random_init_seeded(&v->random, (uint64_t)opt(L, "seed", 1));
    if (opt(L, "watch", 0) != 0)
        MUST(watch_open(&v->watch, NULL) == 0);
    if (opt(L, "tick", 0) != 0)
        start_ticks(v, opt(L, "tick", 0));
    struct vm_config config = {
        .clock = &v->clock,
        .random = &v->random,
        .code = v->code,
        .memory_bytes = (size_t)opt(L, "memory", 8 << 20),
        .cpu_ns = (uint64_t)opt(L, "cpu", 20000) * 1000000,
        .slice_ns = (uint64_t)opt(L, "slice", 0) * 1000,
        .watch = v->watch,
        .spare_tasks = (int)opt(L, "spare", 0),
        .owner = v,
        .log = on_log,
    };
    int rc = vm_new(&config, &v->vm);
    if (rc == 0)
        rc = opt(L, "bare", 0) ? 0 : vm_protect(v->vm, open_script, NULL, NULL);
    if (rc == 0)
        return 1;
    lua_pushnil(L);
    lua_pushstring(L, err_name(rc));
    return 2;
}

static int vm_gc(lua_State *L)
{
    struct tvm **u = luaL_checkudata(L, 1, VM_MT);

    if (*u != NULL) {
        free_tvm(*u);
        free(*u);
    }
    *u = NULL;
    return 0;
}

static int load_text(lua_State *L)
{
    const struct slice *text = lua_touserdata(L, 1);

    if (luaL_loadbuffer(L, text->p, text->n, "=script") != LUA_OK)
        return lua_error(L);
    lua_call(L, 0, 0);
    return 0;
}

/* vm:load(text) -> true | nil, message, name: in the main coroutine. */
static int l_load(lua_State *L)
{
    struct tvm *v = check_tvm(L);
    struct slice text;
    struct error err;

    text.p = luaL_checklstring(L, 2, &text.n);
    if (vm_protect(v->vm, load_text, &text, &err) != 0)
        return fail(L, &err);
    lua_pushboolean(L, 1);
    return 1;
}

static int load_main(lua_State *L)
{
    struct tvm *v = lua_touserdata(L, 1);
    struct error err;

    if (code_push_main(v->code, L, &err) != 0)
        return luaL_error(L, "%s: %s", err_name(err.code), err.text);
    lua_call(L, 0, 0);
    return 0;
}

/* vm:main() -> true | nil, message, name: run the main script of the code. */
static int l_main(lua_State *L)
{
    struct tvm *v = check_tvm(L);
    struct error err;

    if (vm_protect(v->vm, load_main, v, &err) != 0)
        return fail(L, &err);
    lua_pushboolean(L, 1);
    return 1;
}

static int set_module(lua_State *L)
{
    lua_newtable(L);
    lua_pushliteral(L, "module");
    lua_setfield(L, -2, "is");
    vm_set_module(L, lua_touserdata(L, 1));
    return 0;
}

static int l_set_module(lua_State *L)
{
    struct tvm *v = check_tvm(L);

    vm_protect(v->vm, set_module, (void *)(uintptr_t)luaL_checkstring(L, 2),
               NULL);
    return 0;
}

/* ---- tasks ---- */

static int entry_k(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    (void)ctx;
    return lua_gettop(L) - 1;
}

static int entry(lua_State *L)
{
    if (luaL_loadstring(L, lua_touserdata(L, 1)) != LUA_OK)
        return lua_error(L);
    lua_callk(L, 0, LUA_MULTRET, 0, entry_k);
    return entry_k(L, LUA_OK, 0);
}

static void on_ready(struct task *t)
{
    ((struct tvm *)t->owner)->ready++;
}

/* vm:task(text) -> number | nil, when the state has no memory for it */
static int l_task(lua_State *L)
{
    struct tvm *v = check_tvm(L);
    const char *text = luaL_checkstring(L, 2);
    int i = 0;

    while (i < TASKS && v->tasks[i] != NULL)
        i++;
    luaL_argcheck(L, i < TASKS, 1, "too many tasks");
    free(v->chunks[i]);
    v->chunks[i] = mem_dup(text, strlen(text));
    if (task_new(v->vm, entry, v->chunks[i], on_ready, v, &v->tasks[i]) != 0)
        return 0;
    lua_pushinteger(L, i + 1);
    return 1;
}

static struct task **check_task(lua_State *L, struct tvm *v)
{
    lua_Integer i = luaL_checkinteger(L, 2);

    luaL_argcheck(L, i >= 1 && i <= TASKS && v->tasks[i - 1] != NULL, 2,
                  "no such task");
    return &v->tasks[i - 1];
}

static const char *status_name(const struct task *t)
{
    static const char *const names[] = {
        "ready", "running", "waiting", "preempted", "done", "failed", "killed"};
    return names[t->status];
}

/* vm:resume(task) -> status */
static int l_resume(lua_State *L)
{
    struct tvm *v = check_tvm(L);
    struct task *t = *check_task(L, v);

    task_resume(t);
    lua_pushstring(L, status_name(t));
    return 1;
}

static int l_status(lua_State *L)
{
    lua_pushstring(L, status_name(*check_task(L, check_tvm(L))));
    return 1;
}

/* vm:finish(task, result): its wait is over. */
static int l_finish(lua_State *L)
{
    struct task *t = *check_task(L, check_tvm(L));

    luaL_argcheck(L, t->wait != NULL, 2, "waits for nothing");
    wait_done(t->wait, (int)luaL_optinteger(L, 3, 0));
    return 0;
}

static void copy_value(lua_State *L, lua_State *from, int idx)
{
    size_t n;

    switch (lua_type(from, idx)) {
    case LUA_TNIL:
        lua_pushnil(L);
        break;
    case LUA_TBOOLEAN:
        lua_pushboolean(L, lua_toboolean(from, idx));
        break;
    case LUA_TNUMBER:
        if (lua_isinteger(from, idx))
            lua_pushinteger(L, lua_tointeger(from, idx));
        else
            lua_pushnumber(L, lua_tonumber(from, idx));
        break;
    case LUA_TSTRING: {
        const char *p = lua_tolstring(from, idx, &n);
        lua_pushlstring(L, p, n);
        break;
    }
    default:
        lua_pushfstring(L, "<%s>", luaL_typename(from, idx));
    }
}

/* vm:results(task) -> what a finished task returned, or its error. */
static int l_results(lua_State *L)
{
    struct task *t = *check_task(L, check_tvm(L));
    int n = lua_gettop(t->L);
    int first = t->status == TASK_FAILED ? n : 1;

    luaL_argcheck(L, t->status == TASK_DONE || t->status == TASK_FAILED, 2,
                  "not over");
    luaL_checkstack(L, n + 1, "results");
    for (int i = first; i <= n; i++)
        copy_value(L, t->L, i);
    return n - first + 1;
}

static int make_trace(lua_State *L)
{
    struct task *t = lua_touserdata(L, 1);
    struct tvm *v = t->owner;

    luaL_traceback(L, t->L, NULL, 0);
    v->log.n = 0;
    buf_add_text(&v->log, lua_tostring(L, -1));
    return 0;
}

/* vm:trace(task) -> traceback of a failed task */
static int l_trace(lua_State *L)
{
    struct tvm *v = check_tvm(L);

    vm_protect(v->vm, make_trace, *check_task(L, v), NULL);
    lua_pushlstring(L, v->log.p, v->log.n);
    v->log.n = 0;
    return 1;
}

static int l_free_task(lua_State *L)
{
    struct task **t = check_task(L, check_tvm(L));

    task_free(*t);
    *t = NULL;
    return 0;
}

/* ---- looking and meddling ---- */

/* vm:death() -> "alive", "cpu", "memory" or "aborted", text */
static int l_death(lua_State *L)
{
    static const char *const names[] = {"alive", "cpu", "memory", "aborted"};
    struct tvm *v = check_tvm(L);

    lua_pushstring(L, names[vm_death(v->vm)]);
    lua_pushstring(L, vm_death_text(v->vm));
    return 2;
}

static int l_kill(lua_State *L)
{
    vm_kill(check_tvm(L)->vm, VM_ABORTED, luaL_checkstring(L, 2));
    return 0;
}

/* vm:stats() -> { memory=, tasks=, ready=, cancelled=, cpu=ns } */
static int l_stats(lua_State *L)
{
    struct tvm *v = check_tvm(L);

    lua_newtable(L);
    lua_pushinteger(L, (lua_Integer)vm_memory(v->vm));
    lua_setfield(L, -2, "memory");
    lua_pushinteger(L, task_count(v->vm));
    lua_setfield(L, -2, "tasks");
    lua_pushinteger(L, v->ready);
    lua_setfield(L, -2, "ready");
    lua_pushinteger(L, v->cancelled);
    lua_setfield(L, -2, "cancelled");
    lua_pushinteger(L, (lua_Integer)vm_cpu_ns(v->vm));
    lua_setfield(L, -2, "cpu");
    return 1;
}

/* vm:trim([all]): what is spare goes, and all that was held by it. */
static int l_trim(lua_State *L)
{
    struct vm *vm = check_tvm(L)->vm;

    if (lua_toboolean(L, 2))
        task_drop_idle(vm);
    else
        task_trim(vm);
    vm_collect(vm);
    return 0;
}

static int l_log(lua_State *L)
{
    struct tvm *v = check_tvm(L);

    lua_pushlstring(L, v->log.p, v->log.n);
    v->log.n = 0;
    return 1;
}

static int l_fail_allocation(lua_State *L)
{
    vm_fail_allocation(check_tvm(L)->vm, (uint64_t)luaL_checkinteger(L, 2));
    return 0;
}

static int l_advance(lua_State *L)
{
    clock_advance(&check_tvm(L)->clock, luaL_checkinteger(L, 2));
    return 0;
}

static int l_free(lua_State *L)
{
    free_tvm(check_tvm(L));
    return 0;
}

static const luaL_Reg methods[] = {
    {"load", l_load},
    {"main", l_main},
    {"setModule", l_set_module},
    {"task", l_task},
    {"resume", l_resume},
    {"status", l_status},
    {"finish", l_finish},
    {"results", l_results},
    {"trace", l_trace},
    {"freeTask", l_free_task},
    {"death", l_death},
    {"kill", l_kill},
    {"stats", l_stats},
    {"trim", l_trim},
    {"log", l_log},
    {"failAllocation", l_fail_allocation},
    {"advance", l_advance},
    {"free", l_free},
    {"__gc", vm_gc},
    {NULL, NULL},
};

/* T.speed(n) -> nanoseconds of one task_new, resume and free; of n. */
static int speed_entry(lua_State *L)
{
    (void)L;
    return 0;
}

static int l_speed(lua_State *L)
{
    struct tvm *v = check_tvm(L);
    lua_Integer n = luaL_checkinteger(L, 2);
    uint64_t start = clock_mono_ns(clock_system());

    for (lua_Integer i = 0; i < n; i++) {
        struct task *t;

        if (task_new(v->vm, speed_entry, NULL, NULL, NULL, &t) != 0)
            return 0;
        task_resume(t);
        task_free(t);
    }
    uint64_t ns = clock_mono_ns(clock_system()) - start;
    lua_pushnumber(L, (lua_Number)ns / (lua_Number)n);
    return 1;
}

static const luaL_Reg functions[] = {
    {"vm", t_vm},       {"code", t_code},   {"drop", t_drop},
    {"files", t_files}, {"speed", l_speed}, {NULL, NULL},
};

int luaopen_hosttest_vm(lua_State *L)
{
    luaL_newmetatable(L, VM_MT);
    luaL_setfuncs(L, methods, 0);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
    luaL_newlib(L, functions);
    return 1;
}
