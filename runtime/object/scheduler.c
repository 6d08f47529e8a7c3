#include "object/scheduler.h"

#include <string.h>

#include "base/clock.h"
#include "base/must.h"
#include "object/firing.h"
#include "object/object.h"
#include "object/realm.h"
#include "store/directory.h"

enum {
    PAGE = 1000,        /* entries of the directory that are read at once */
    AHEAD_MS = 20000,   /* before its end the window moves on */
    LOOK_MS = 500,      /* at the wall clock, at the latest */
    PAUSE_MS = 2000,    /* after the disk failed */
    HOLD_MS = 2000,     /* after the second failure that was not the script's */
    HOLD_DOUBLINGS = 5, /* so often that becomes twice as long */
    CLASS_MAX = 64      /* bytes of a class's name */
};

/* A hundred years: more, and times in nanoseconds overflow. */
#define STEADY_MS INT64_C(3155760000000)

/* What was not used of the rate may be made up for within this time: timers
 * are not that exact. */
#define BURST_NS 10000000u

static void on_tick(struct timer *t);

static int64_t wall_of(const struct scheduler *s)
{
    return clock_wall_ms(s->realm->config.clock);
}

static uint64_t mono_of(const struct scheduler *s)
{
    return clock_mono_ns(s->realm->config.clock);
}

/* ---- the heap ---- */

static bool was_read(const struct scheduler *s, int64_t time,
                     const struct oid *id)
{
    if (time != s->read_time)
        return time < s->read_time;
    return memcmp(id, &s->read_id, sizeof(*id)) <= 0;
}

/* The id before it. */
static void decrement(struct oid *id)
{
    size_t i = sizeof(id->b);

    while (i > 0 && id->b[--i]-- == 0)
        ;
}

/* Too many: the last ones go.  From the first that was dropped on the directory
 * is read once more; returns whether that is so. */
static bool trim(struct scheduler *s)
{
    size_t max = s->config.heap_max;
    int64_t time;
    struct oid id;

    if (s->heap.count <= max)
        return false;
    due_trim(&s->heap, max - max / 4, &time, &id);
    if (!was_read(s, time, &id))
        return false;
    s->read_time = time;
    s->read_id = id;
    decrement(&s->read_id);
    s->is_read = false;
    return true;
}

/* What the directory says of an object.  Returns what trim does. */
static bool insert(struct scheduler *s, const struct object_class *cls,
                   const struct directory_entry *e)
{
    struct due *d = due_find(&s->heap, &e->id);

    /* One that is held back stays so. */
    if (d == NULL || (d->trouble == 0 && d->time != e->next_alarm))
        d = due_set(&s->heap, cls, &e->id, e->next_alarm);
    due_name(d, e->name);
    return trim(s);
}

/* ---- the directory ---- */

struct page {
    struct scheduler *scheduler;
    int64_t now;
    int count;
};

static int on_entry(void *arg, const struct directory_entry *e)
{
    struct page *page = arg;
    struct scheduler *s = page->scheduler;
    char name[CLASS_MAX + 1];

    page->count++;
    s->read_time = e->next_alarm;
    s->read_id = e->id;
    if (e->class_name.n > CLASS_MAX ||
        (s->config.is_mine != NULL &&
         !s->config.is_mine(s->config.arg, &e->id)))
        return 0;
    memcpy(name, e->class_name.p, e->class_name.n);
    name[e->class_name.n] = '\0';
    if (e->next_alarm <= page->now)
        store_expect(s->realm->config.store, name, &e->id);
    return insert(s, realm_class(s->realm, name), e);
}

static int on_later(void *arg, const struct directory_entry *e)
{
    (void)e;
    *(bool *)arg = true;
    return 0;
}

static void read_failed(struct scheduler *s, const struct error *err)
{
    const struct realm_config *config = &s->realm->config;
    struct buf text = {0};

    if (!s->is_failing) {
        buf_printf(&text, "alarms cannot be read: %s", err->text);
        config->host->log(config->host_arg, NULL, LOG_ERROR, buf_slice(&text),
                          (struct slice){0}, (struct slice){0});
        buf_fini(&text);
    }
    s->is_failing = true;
    /* Another look when the wall clock is looked at. */
    s->is_read = true;
    s->has_later = true;
    s->until = wall_of(s) + AHEAD_MS + LOOK_MS;
}

static int read_page(struct scheduler *s, struct error *err)
{
    struct directory_reader *reader =
        store_client_reader(s->realm->config.store, err);
    struct page page = {.scheduler = s, .now = wall_of(s)};

    if (reader == NULL)
        return err->code;
    const struct directory_span next = {s->until, s->read_time, &s->read_id,
                                        PAGE};
    int rc = directory_due(reader, &next, on_entry, &page, err);
    if (rc != 0 || page.count == PAGE)
        return rc < 0 ? rc : 0;
    s->is_read = true;
    s->read_time = s->until;
    memset(&s->read_id, 0xff, sizeof(s->read_id));
    s->has_later = false;
    const struct directory_span later = {
        .until = INT64_MAX, .after_time = s->until, .limit = 1};
    return directory_due(reader, &later, on_later, &s->has_later, err);
}

static int64_t window_of(const struct scheduler *s)
{
    return s->config.is_steady ? STEADY_MS : SCHEDULER_WINDOW_MS;
}

static void move_window(struct scheduler *s)
{
    s->until = wall_of(s) + window_of(s);
    s->read_time = 0;
    memset(&s->read_id, 0, sizeof(s->read_id));
    s->is_read = false;
}

static bool wants_page(const struct scheduler *s)
{
    return !s->is_read && s->heap.count <= s->config.heap_max / 2;
}

static void read_more(struct scheduler *s)
{
    struct error err;

    if (wall_of(s) >= s->until - AHEAD_MS)
        move_window(s);
    if (!wants_page(s))
        return;
    if (read_page(s, &err) != 0)
        read_failed(s, &err);
    else
        s->is_failing = false;
}

/* ---- firing ---- */

static bool has_room(const struct scheduler *s)
{
    return s->queued < SCHEDULER_QUEUED_MAX &&
           s->queued + s->under_way < SCHEDULER_UNDER_WAY_MAX &&
           !store_is_behind(s->realm->config.store);
}

static void charge(struct scheduler *s, uint64_t now)
{
    uint64_t base = now > BURST_NS ? now - BURST_NS : 0;

    if (s->config.rate == 0)
        return;
    if (base < s->next_ns)
        base = s->next_ns;
    s->next_ns = base + 1000000000u / s->config.rate;
}

static void fire(struct scheduler *s, struct due *d, uint64_t now)
{
    struct slice name = {d->name, d->name_n};
    struct object *o = realm_object(s->realm, d->cls, &d->id, name);
    unsigned trouble = d->trouble;

    o->is_name_stored |= name.n != 0;
    due_remove(&s->heap, d);
    /* One at a time: when that one ends the next is noted. */
    if (o->firing != NULL)
        return;
    charge(s, now);
    s->queued++;
    firing_push(o, trouble);
}

static void fire_due(struct scheduler *s)
{
    int64_t wall = wall_of(s);
    uint64_t now = mono_of(s);
    struct due *d;

    s->is_held_up = false;
    while ((d = due_first(&s->heap)) != NULL && d->time <= wall) {
        s->is_held_up = s->next_ns > now || s->paused_ns > now || !has_room(s);
        if (s->is_held_up)
            return;
        fire(s, d, now);
    }
}

/* ---- the timer ---- */

static uint64_t ms_until(uint64_t now, uint64_t ns)
{
    return ns <= now ? 0 : (ns - now + 999999) / 1000000;
}

static uint64_t sleep_ms(const struct scheduler *s)
{
    const struct due *d = due_first(&s->heap);
    int64_t wall = wall_of(s);
    uint64_t now = mono_of(s);
    int64_t look = s->config.is_steady ? window_of(s) - AHEAD_MS : LOOK_MS;

    if (s->paused_ns > now)
        return ms_until(now, s->paused_ns);
    if (wants_page(s))
        return 0;
    if (d == NULL && !s->has_later)
        look = window_of(s) - AHEAD_MS;
    /* Without room somebody calls when there is some. */
    if (s->is_held_up && has_room(s))
        return ms_until(now, s->next_ns);
    if (d != NULL && !s->is_held_up && d->time - wall < look)
        return (uint64_t)(d->time - wall);
    return (uint64_t)look;
}

static void arm(struct scheduler *s)
{
    uint64_t ms = sleep_ms(s);
    uint64_t due = mono_of(s) + ms * 1000000;

    if (!timer_is_waiting(&s->timer) || due < s->timer.due_ns)
        timer_start(&s->realm->timers, &s->timer, ms, on_tick);
}

static void go_on(struct scheduler *s)
{
    if (s->is_stopped)
        return;
    fire_due(s);
    arm(s);
}

static void on_tick(struct timer *t)
{
    struct scheduler *s = container_of(t, struct scheduler, timer);

    if (s->paused_ns <= mono_of(s))
        read_more(s);
    go_on(s);
}

/* ---- the public side ---- */

void scheduler_init(struct scheduler *s, struct realm *r,
                    const struct scheduler_config *config)
{
    *s = (struct scheduler){.realm = r, .config = *config};
    if (s->config.heap_max == 0)
        s->config.heap_max = SCHEDULER_HEAP_MAX;
    if (s->config.up_since == 0)
        s->config.up_since = wall_of(s);
    s->is_stopped = config->is_off;
    if (!s->is_stopped)
        timer_start(&r->timers, &s->timer, 0, on_tick);
}

void scheduler_stop(struct scheduler *s)
{
    s->is_stopped = true;
    timer_stop(&s->timer);
}

void scheduler_close(struct scheduler *s)
{
    scheduler_stop(s);
    due_fini(&s->heap);
}

void scheduler_note(struct scheduler *s, const struct object_class *cls,
                    const struct oid *id, int64_t time)
{
    struct due *d;

    if (s->is_stopped)
        return;
    if (time == 0 || time > s->until) {
        d = due_find(&s->heap, id);
        if (d != NULL)
            due_remove(&s->heap, d);
        if (time == 0)
            return;
        s->has_later = true;
    } else {
        due_set(&s->heap, cls, id, time);
        trim(s);
    }
    go_on(s);
}

void scheduler_hold(struct scheduler *s, const struct object_class *cls,
                    const struct oid *id, unsigned trouble)
{
    unsigned doublings = trouble <= HOLD_DOUBLINGS ? trouble : HOLD_DOUBLINGS;
    int64_t wait = trouble == 0 ? 0 : (int64_t)HOLD_MS << (doublings - 1);

    if (s->is_stopped)
        return;
    due_set(&s->heap, cls, id, wall_of(s) + wait)->trouble = trouble + 1;
    trim(s);
    go_on(s);
}

void scheduler_disk_failed(struct scheduler *s)
{
    if (s->is_stopped)
        return;
    s->paused_ns = mono_of(s) + (uint64_t)PAUSE_MS * 1000000;
    move_window(s);
    s->is_held_up = true;
    arm(s);
}

void scheduler_begun(struct scheduler *s)
{
    s->queued--;
    s->under_way++;
    go_on(s);
}

void scheduler_ended(struct scheduler *s)
{
    s->under_way--;
    go_on(s);
}

void scheduler_go_on(struct scheduler *s)
{
    if (s->is_held_up)
        go_on(s);
}
