/*
 * meter.c - processor time: slices, and the limit.
 *
 * The first ANCHOR_NS of a task cost two readings of the monotonic clock a run.
 * What takes longer is measured by the thread's processor time, which a busy
 * machine does not inflate, but which takes a system call: within a run it is
 * read again only when the limit could have been reached.  What a run has used
 * when it is first read is what the clock says, or what the thread has used
 * since the last tick before the run, whichever is less.
 */
#include "base/must.h"
#include "vm/state.h"

enum {
    ANCHOR_NS = 1000 * 1000,
    STEPS_UNCHECKED = 4096,
    LEVELS_MAX = 32 /* of C functions that call each other */
};

enum verdict { GO_ON, SLICE_OVER, BUDGET_OVER };

static uint64_t now_ns(void)
{
    return clock_mono_ns(clock_system()); /* a virtual clock stands still */
}

static uint64_t min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* What the thread cannot have used more of since the run began. */
static uint64_t used_before_anchor_ns(const struct meter *m, uint64_t now)
{
    uint64_t passed = now - m->start_ns;

    if (passed < ANCHOR_NS)
        return passed;
    return min(passed, clock_cpu_ns() - m->floor_cpu_ns);
}

static uint64_t used_ns(const struct meter *m, uint64_t now)
{
    if (m->anchor_cpu_ns == 0)
        return used_before_anchor_ns(m, now);
    return m->used_ns + clock_cpu_ns() - m->anchor_cpu_ns;
}

static void set_alert(struct meter *m)
{
    m->alert_ns = min(m->slice_ns, m->budget_ns);
    if (m->anchor_cpu_ns == 0)
        m->alert_ns = min(m->alert_ns, m->start_ns + ANCHOR_NS);
}

static void set_anchor(struct meter *m, uint64_t now)
{
    m->used_ns = used_before_anchor_ns(m, now);
    m->anchor_cpu_ns = clock_cpu_ns();
}

void meter_begin(struct vm *vm, uint64_t before_ns, uint64_t slice_ns)
{
    uint64_t known = vm->meter.begin_ns;
    uint64_t now = known != 0 ? known : now_ns();
    uint64_t limit = vm->config.cpu_ns;
    const struct watch *w = vm->config.watch;

    /* A slice ends at the tick that is nearest to its end. */
    if (w != NULL)
        slice_ns -= min(slice_ns, w->tick_ns) / 2;
    vm->charged = 0;
    vm->meter = (struct meter){
        .before_ns = before_ns,
        .start_ns = now,
        .slice_ns = slice_ns == 0 ? UINT64_MAX : now + slice_ns,
        .budget_ns = before_ns < limit ? now + limit - before_ns : now,
        .floor_cpu_ns = w != NULL ? w->cpu_ns : clock_cpu_ns(),
    };
    if (before_ns >= ANCHOR_NS)
        set_anchor(&vm->meter, now);
    set_alert(&vm->meter);
}

uint64_t meter_end(struct vm *vm)
{
    uint64_t now = now_ns();
    uint64_t used = used_ns(&vm->meter, now);

    vm->meter.end_ns = now;
    vm->cpu_ns += used;
    return used;
}

static enum verdict check(struct vm *vm)
{
    struct meter *m = &vm->meter;
    uint64_t now = now_ns();

    if (now < m->alert_ns)
        return GO_ON;
    if (m->anchor_cpu_ns == 0 && now - m->start_ns >= ANCHOR_NS)
        set_anchor(m, now);
    if (now >= m->budget_ns) {
        uint64_t used = m->before_ns + used_ns(m, now);

        if (used >= vm->config.cpu_ns)
            return BUDGET_OVER;
        m->budget_ns = now + vm->config.cpu_ns - used;
    }
    set_alert(m);
    return now >= m->slice_ns ? SLICE_OVER : GO_ON;
}

/* Find the innermost line of Lua that runs on `L`; false: there is none.
 * Allocates nothing. */
static bool find_line(lua_State *L, lua_Debug *ar)
{
    for (int i = 0; i < LEVELS_MAX && lua_getstack(L, i, ar); i++) {
        lua_getinfo(L, "Sl", ar);
        if (ar->currentline > 0)
            return true;
    }
    return false;
}

static void kill_for_time(struct vm *vm, lua_State *L)
{
    unsigned long long limit = vm->config.cpu_ns / 1000000;
    struct error e;
    lua_Debug ar;

    if (find_line(L, &ar))
        error_set(&e, ERR_RESET,
                  "processor time limit of %llu ms exceeded at %s:%d", limit,
                  ar.short_src, ar.currentline);
    else
        error_set(&e, ERR_RESET, "processor time limit of %llu ms exceeded",
                  limit);
    vm_kill(vm, VM_CPU, e.text);
}

static bool can_stop(lua_State *L, const struct vm *vm)
{
    return vm->current != NULL && vm->walls == 0 && lua_isyieldable(L);
}

/* A hook may yield at a count only. */
static void stop_in_hook(lua_State *L, const lua_Debug *ar)
{
    if (ar->event == LUA_HOOKCOUNT && lua_isyieldable(L)) {
        lua_yield(L, 0);
        return;
    }
    lua_pushlightuserdata(L, NULL);
    lua_error(L);
}

/* The tick of the watch is answered; the hook goes, unless the script is to
 * stop as soon as it can. */
static void answer(struct vm *vm, lua_State *L, bool is_late)
{
    struct watch *w = vm->config.watch;

    if (w == NULL)
        return;
    w->is_due = is_late;
    if (!is_late)
        lua_sethook(L, NULL, 0, 0);
    else if (lua_gethookcount(L) != METER_COUNT)
        lua_sethook(L, meter_hook, LUA_MASKCOUNT, METER_COUNT);
}

void meter_hook(lua_State *L, lua_Debug *ar)
{
    struct vm *vm = vm_get(L);

    if (vm->death == VM_ALIVE) {
        enum verdict v = check(vm);
        bool stops = v == SLICE_OVER && can_stop(L, vm);

        answer(vm, L, v == SLICE_OVER && !stops);
        if (stops) {
            vm->yield = YIELD_PREEMPT;
            lua_yield(L, 0);
        }
        if (v != BUDGET_OVER)
            return;
        kill_for_time(vm, L);
    }
    stop_in_hook(L, ar);
}

bool vm_charge(lua_State *L, uint64_t steps)
{
    struct vm *vm = vm_get(L);

    vm->charged += steps;
    if (vm->charged < STEPS_UNCHECKED)
        return false;
    vm->charged = 0;
    enum verdict v = check(vm);
    if (v == BUDGET_OVER)
        kill_for_time(vm, L);
    if (vm->death != VM_ALIVE)
        vm_die(L);
    return v == SLICE_OVER && can_stop(L, vm);
}

bool vm_charge_quiet(struct vm *vm, uint64_t steps)
{
    vm->charged += steps;
    if (vm->charged >= STEPS_UNCHECKED) {
        vm->charged = 0;
        if (vm->death == VM_ALIVE && vm->at != NULL && check(vm) == BUDGET_OVER)
            kill_for_time(vm, vm->at);
    }
    return vm->death != VM_ALIVE;
}

int task_preempt(lua_State *L, intptr_t ctx, lua_KFunction k)
{
    struct vm *vm = vm_get(L);

    if (!can_stop(L, vm))
        return k(L, LUA_YIELD, ctx);
    vm->yield = YIELD_PREEMPT;
    return lua_yieldk(L, 0, ctx, k);
}
