#include "object/timer.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/must.h"

enum { ROOM_FIRST = 64 };

static bool before(const struct timer *a, const struct timer *b)
{
    return a->due_ns < b->due_ns ||
           (a->due_ns == b->due_ns && a->order < b->order);
}

static void place(struct timers *ts, struct timer *t, size_t at)
{
    ts->heap[at] = t;
    t->at = at;
}

static void sift_up(struct timers *ts, struct timer *t, size_t at)
{
    while (at > 0 && before(t, ts->heap[(at - 1) / 2])) {
        place(ts, ts->heap[(at - 1) / 2], at);
        at = (at - 1) / 2;
    }
    place(ts, t, at);
}

static void sift_down(struct timers *ts, struct timer *t, size_t at)
{
    for (;;) {
        size_t child = 2 * at + 1;

        if (child >= ts->count)
            break;
        if (child + 1 < ts->count &&
            before(ts->heap[child + 1], ts->heap[child]))
            child++;
        if (!before(ts->heap[child], t))
            break;
        place(ts, ts->heap[child], at);
        at = child;
    }
    place(ts, t, at);
}

static void on_due(uv_timer_t *handle);

/* The uv timer always stands at the first due time. */
static void arm(struct timers *ts)
{
    if (ts->handle.loop == NULL)
        return;
    if (ts->count == 0) {
        uv_timer_stop(&ts->handle);
        return;
    }
    uint64_t now = clock_mono_ns(ts->clock);
    uint64_t due = ts->heap[0]->due_ns;
    /* Rounded up: never early. */
    uint64_t ms = due <= now ? 0 : (due - now + 999999) / 1000000;

    uv_update_time(ts->handle.loop);
    uv_timer_start(&ts->handle, on_due, ms, 0);
}

static void remove_at(struct timers *ts, size_t at)
{
    struct timer *last = ts->heap[--ts->count];

    ts->heap[at]->timers = NULL;
    if (at == ts->count)
        return;
    if (at > 0 && before(last, ts->heap[(at - 1) / 2]))
        sift_up(ts, last, at);
    else
        sift_down(ts, last, at);
}

void timers_run(struct timers *ts)
{
    uint64_t now = clock_mono_ns(ts->clock);

    while (ts->count != 0 && ts->heap[0]->due_ns <= now) {
        struct timer *t = ts->heap[0];

        remove_at(ts, 0);
        t->cb(t);
    }
    arm(ts);
}

static void on_due(uv_timer_t *handle)
{
    timers_run(container_of(handle, struct timers, handle));
}

uint64_t timers_next_ns(const struct timers *ts)
{
    return ts->count == 0 ? UINT64_MAX : ts->heap[0]->due_ns;
}

void timers_init(struct timers *ts, uv_loop_t *loop, const struct clock *clock)
{
    *ts = (struct timers){.clock = clock};
    MUST(loop == NULL || uv_timer_init(loop, &ts->handle) == 0);
}

static void on_closed(uv_handle_t *handle)
{
    struct timers *ts = container_of(handle, struct timers, handle);

    ts->closed(ts->closed_arg);
}

void timers_close(struct timers *ts, void (*closed)(void *arg), void *arg)
{
    for (size_t i = 0; i < ts->count; i++)
        ts->heap[i]->timers = NULL;
    free(ts->heap);
    ts->heap = NULL;
    ts->count = 0;
    ts->cap = 0;
    ts->closed = closed;
    ts->closed_arg = arg;
    if (ts->handle.loop == NULL)
        closed(arg);
    else
        uv_close((uv_handle_t *)&ts->handle, on_closed);
}

void timers_trim(struct timers *ts)
{
    size_t cap = ROOM_FIRST;

    while (cap < 2 * ts->count)
        cap *= 2;
    if (4 * cap > ts->cap)
        return;
    ts->heap = mem_realloc(ts->heap, cap * sizeof(struct timer *));
    ts->cap = cap;
}

void timer_start(struct timers *ts, struct timer *t, uint64_t ms, timer_cb cb)
{
    timer_stop(t);
    if (ts->count == ts->cap) {
        ts->cap = ts->cap == 0 ? ROOM_FIRST : 2 * ts->cap;
        ts->heap = mem_realloc(ts->heap, ts->cap * sizeof(struct timer *));
    }
    t->timers = ts;
    t->cb = cb;
    t->order = ts->order++;
    t->due_ns = clock_mono_ns(ts->clock) + ms * 1000000;
    ts->count++;
    sift_up(ts, t, ts->count - 1);
    if (t->at == 0)
        arm(ts);
}

void timer_stop(struct timer *t)
{
    struct timers *ts = t->timers;

    /* The uv timer may now fire early once; on_due arms it anew. */
    if (ts != NULL)
        remove_at(ts, t->at);
}
