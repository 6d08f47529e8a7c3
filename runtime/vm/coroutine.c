/*
 * coroutine.c - the library `coroutine`.
 *
 * A coroutine of the script may yield for two reasons.  It calls
 * coroutine.yield: whoever resumed it goes on.  Or the runtime yields (a wait,
 * a preemption, the end of the state): then whoever resumed it yields as well,
 * and so on down to the task; on the way back each resumes what it had
 * resumed.  Parked coroutines are marked, so that no other task can resume
 * them meanwhile.
 */
#include "vm/state.h"

enum { PARKED = -2, FAILED = -1, CLOSING_MAX = 10 };

static uintptr_t marks(lua_State *co)
{
    return *vm_extra(co) & MARK_ALL;
}

static bool is_runtimes(lua_State *co)
{
    return (marks(co) & MARK_TASK) != 0 || co == vm_get(co)->L;
}

static lua_State *check_co(lua_State *L)
{
    lua_State *co = lua_tothread(L, 1);

    luaL_argexpected(L, co != NULL, 1, "thread");
    return co;
}

/* What `co` gave moves to `L`: its results, or its error. */
static int take(lua_State *L, lua_State *co, int status, int n)
{
    if (status != LUA_OK && status != LUA_YIELD) {
        lua_xmove(co, L, 1);
        return FAILED;
    }
    if (!lua_checkstack(L, n + 1)) {
        lua_pop(co, n);
        lua_pushliteral(L, "too many results to resume");
        return FAILED;
    }
    lua_xmove(co, L, n);
    return n;
}

/* Let `co` go on with the top `narg` values of `L`.  Returns the number of
 * values on top of `L`; or FAILED, the error is on top; or PARKED. */
static int advance(lua_State *L, lua_State *co, int narg)
{
    struct vm *vm = vm_get(L);
    int wall = lua_isyieldable(L) ? 0 : 1;
    int loading = vm->loading;
    int n = 0;

    lua_xmove(L, co, narg);
    vm->walls += wall;
    lua_State *outer = vm_enter(vm, co);
    int status = lua_resume(co, L, narg, &n);
    vm_leave(vm, outer);
    vm->walls -= wall;
    if (status == LUA_ERRMEM)
        vm_out_of_memory(vm);
    if (vm->death != VM_ALIVE)
        return vm_die(L);
    if (status == LUA_YIELD && vm->yield != YIELD_SCRIPT) {
        *vm_extra(co) |= MARK_PARKED;
        return PARKED;
    }
    require_unwind(L, loading);
    return take(L, co, status, n);
}

static int start(lua_State *L, lua_State *co, int narg)
{
    if (is_runtimes(co) || (marks(co) & MARK_PARKED) != 0) {
        lua_pushliteral(L, "cannot resume non-suspended coroutine");
        return FAILED;
    }
    if (!lua_checkstack(co, narg)) {
        lua_pushliteral(L, "too many arguments to resume");
        return FAILED;
    }
    return advance(L, co, narg);
}

static int go_on(lua_State *L, lua_State *co)
{
    *vm_extra(co) &= ~(uintptr_t)MARK_PARKED;
    return advance(L, co, 0);
}

/* ---- resume ---- */

static int resume_k(lua_State *L, int status, lua_KContext ctx);

static int resume_end(lua_State *L, int n)
{
    if (n == PARKED)
        return lua_yieldk(L, 0, 0, resume_k);
    lua_pushboolean(L, n != FAILED);
    if (n == FAILED)
        n = 1;
    lua_insert(L, -(n + 1));
    return n + 1;
}

static int resume_k(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    (void)ctx;
    return resume_end(L, go_on(L, lua_tothread(L, 1)));
}

/* coroutine.resume(co, ...) */
static int co_resume(lua_State *L)
{
    lua_State *co = check_co(L);

    return resume_end(L, start(L, co, lua_gettop(L) - 1));
}

/* ---- closing ---- */

/* Run the pending __close metamethods of `co`; an error of theirs, or its own,
 * is on top of it unless LUA_OK is returned. */
static int close_co(lua_State *L, lua_State *co)
{
    struct vm *vm = vm_get(L);

    /* lua_resetthread does not count C calls: nested without end it would
     * run over the C stack. */
    if (vm->closing >= CLOSING_MAX)
        luaL_error(L, "C stack overflow");
    vm->closing++;
    lua_State *outer = vm_enter(vm, co);
    int status = lua_resetthread(co);
    vm_leave(vm, outer);
    vm->closing--;
    if (status == LUA_ERRMEM)
        vm_out_of_memory(vm);
    if (vm->death != VM_ALIVE)
        vm_die(L);
    return status;
}

/* ---- wrap ---- */

static int wrap_k(lua_State *L, int status, lua_KContext ctx);

static int wrap_failed(lua_State *L, lua_State *co)
{
    int status = lua_status(co);

    if (status != LUA_OK && status != LUA_YIELD) {
        close_co(L, co);
        lua_xmove(co, L, 1);
    }
    if (lua_type(L, -1) == LUA_TSTRING) {
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

static int wrap_end(lua_State *L, int n)
{
    if (n == PARKED)
        return lua_yieldk(L, 0, 0, wrap_k);
    if (n == FAILED)
        return wrap_failed(L, lua_tothread(L, lua_upvalueindex(1)));
    return n;
}

static int wrap_k(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    (void)ctx;
    return wrap_end(L, go_on(L, lua_tothread(L, lua_upvalueindex(1))));
}

static int wrap_call(lua_State *L)
{
    lua_State *co = lua_tothread(L, lua_upvalueindex(1));

    return wrap_end(L, start(L, co, lua_gettop(L)));
}

/* coroutine.create(f) */
static int co_create(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_State *co = lua_newthread(L);

    lua_pushvalue(L, 1);
    lua_xmove(L, co, 1);
    return 1;
}

/* coroutine.wrap(f) */
static int co_wrap(lua_State *L)
{
    co_create(L);
    lua_pushcclosure(L, wrap_call, 1);
    return 1;
}

/* ---- the others ---- */

/* coroutine.yield(...): what runs as the task itself cannot. */
static int co_yield (lua_State *L)
{
    if (is_runtimes(L))
        return luaL_error(L, "attempt to yield from outside a coroutine");
    return lua_yield(L, lua_gettop(L));
}

static const char *status_of(lua_State *L, lua_State *co)
{
    lua_Debug ar;

    if (L == co)
        return "running";
    if (is_runtimes(co) || (marks(co) & MARK_PARKED) != 0)
        return "normal";
    if (lua_status(co) == LUA_YIELD)
        return "suspended";
    if (lua_status(co) != LUA_OK)
        return "dead";
    if (lua_getstack(co, 0, &ar) != 0)
        return "normal";
    return lua_gettop(co) == 0 ? "dead" : "suspended";
}

/* coroutine.status(co); "normal" also while its task waits in it. */
static int co_status(lua_State *L)
{
    lua_pushstring(L, status_of(L, check_co(L)));
    return 1;
}

/* coroutine.isyieldable([co]): whether coroutine.yield would work. */
static int co_isyieldable(lua_State *L)
{
    lua_State *co = lua_isnone(L, 1) ? L : check_co(L);

    lua_pushboolean(L, !is_runtimes(co) && lua_isyieldable(co));
    return 1;
}

/* coroutine.running() -> thread, whether it is an event's own */
static int co_running(lua_State *L)
{
    bool is_main = is_runtimes(L);

    if (is_main && L != vm_get(L)->L)
        *vm_extra(L) |= MARK_SEEN;
    lua_pushthread(L);
    lua_pushboolean(L, is_main);
    return 2;
}

/* coroutine.close(co) -> true, or false and the error. */
static int co_close(lua_State *L)
{
    lua_State *co = check_co(L);
    const char *status = status_of(L, co);

    if (status[0] != 'd' && status[0] != 's')
        return luaL_error(L, "cannot close a %s coroutine", status);
    if (close_co(L, co) == LUA_OK) {
        lua_pushboolean(L, 1);
        return 1;
    }
    lua_pushboolean(L, 0);
    lua_xmove(co, L, 1);
    return 2;
}

const luaL_Reg coroutine_lib[] = {
    {"create", co_create},
    {"resume", co_resume},
    {"wrap", co_wrap},
    {"yield", co_yield },
    {"status", co_status},
    {"isyieldable", co_isyieldable},
    {"running", co_running},
    {"close", co_close},
    {NULL, NULL},
};
