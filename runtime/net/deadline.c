#include "net/deadline.h"

#include <stddef.h>

#include "base/must.h"

enum { TICK_MAX_MS = 500, TICK_MIN_MS = 10, TICKS_PER_LIMIT = 8 };

static uint64_t choose_tick(const uint64_t *ms)
{
    uint64_t tick = TICK_MAX_MS;

    for (int kind = DEADLINE_NONE + 1; kind < DEADLINE_KINDS; kind++) {
        if (ms[kind] != 0 && ms[kind] / TICKS_PER_LIMIT < tick)
            tick = ms[kind] / TICKS_PER_LIMIT;
    }
    return tick < TICK_MIN_MS ? TICK_MIN_MS : tick;
}

void deadlines_init(struct deadlines *ds, uv_loop_t *loop, const uint64_t *ms,
                    void (*passed)(struct deadline *d, enum deadline_kind k))
{
    ds->tick_ms = choose_tick(ms);
    ds->most = 0;
    ds->passed = passed;
    for (int kind = 0; kind < DEADLINE_KINDS; kind++) {
        ds->ms[kind] = ms[kind];
        list_init(&ds->queue[kind]);
    }
    uv_timer_init(loop, &ds->timer);
}

void deadlines_close(struct deadlines *ds, uv_close_cb closed)
{
    uv_close((uv_handle_t *)&ds->timer, closed);
}

static void pass_due(struct deadlines *ds, enum deadline_kind kind,
                     uint64_t now)
{
    struct list *queue = &ds->queue[kind];
    uint32_t most = ds->most == 0 ? UINT32_MAX : ds->most;

    for (; most != 0 && !list_empty(queue); most--) {
        struct deadline *d = container_of(queue->next, struct deadline, link);

        if (d->due > now)
            return;
        list_unlink(&d->link);
        d->kind = DEADLINE_NONE;
        ds->passed(d, kind);
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct deadlines *ds = container_of(timer, struct deadlines, timer);
    uint64_t now = uv_now(timer->loop);
    bool is_idle = true;

    for (int kind = DEADLINE_NONE + 1; kind < DEADLINE_KINDS; kind++) {
        pass_due(ds, (enum deadline_kind)kind, now);
        is_idle = is_idle && list_empty(&ds->queue[kind]);
    }
    if (is_idle)
        uv_timer_stop(timer);
}

void deadline_init(struct deadline *d)
{
    list_init(&d->link);
    d->kind = DEADLINE_NONE;
}

void deadline_set(struct deadlines *ds, struct deadline *d,
                  enum deadline_kind kind)
{
    uv_handle_t *timer = (uv_handle_t *)&ds->timer;

    list_unlink(&d->link);
    d->kind = kind;
    if (kind == DEADLINE_NONE)
        return;
    d->due = uv_now(timer->loop) + ds->ms[kind];
    list_push(&ds->queue[kind], &d->link);
    if (!uv_is_active(timer) && !uv_is_closing(timer))
        uv_timer_start(&ds->timer, on_tick, ds->tick_ms, ds->tick_ms);
}
