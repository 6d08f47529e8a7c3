/*
 * scheduler.h - when the alarms of one worker's objects fire.
 *
 *   commit of an object -----scheduler_note-----> [heap: the next minute]
 *   directory (all alarms) --a page at a time-->      |
 *                                 due, rate, room --> firing_push (EVENT_ALARM)
 *
 * Only what is due within WINDOW is in memory, of that at most HEAP_MAX
 * entries; the directory has all of them, and is read again when the window
 * moves on, so that what was missed here is found there.  Times are those of
 * the wall clock, which is looked at twice a second as long as there are
 * alarms: it may jump.
 *
 * Part of its realm; one thread.  Runs no script code.
 */
#ifndef OBJECT_SCHEDULER_H
#define OBJECT_SCHEDULER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/oid.h"
#include "object/due.h"
#include "object/timer.h"

struct directory;
struct object;
struct object_class;
struct realm;

struct scheduler_config {
    bool is_off;    /* no alarm fires */
    bool is_steady; /* the wall clock never jumps: nobody looks at it, and the
                       window is as wide as time */
    struct directory *directory; /* borrowed: is told where it was wrong; NULL:
                                    is not */
    /* The object lives in this realm; NULL: all do. */
    bool (*is_mine)(void *arg, const struct oid *id);
    void *arg;
    uint64_t rate;    /* alarms begun in a second; 0: no bound */
    int64_t up_since; /* ms since the Unix epoch: what was due before that was
                         missed; 0: since scheduler_init */
    size_t heap_max;  /* 0: SCHEDULER_HEAP_MAX */
};

enum {
    SCHEDULER_HEAP_MAX = 10000,
    SCHEDULER_WINDOW_MS = 60000,
    SCHEDULER_QUEUED_MAX = 32,     /* events that have not begun: what a request
                                      may have to wait behind */
    SCHEDULER_UNDER_WAY_MAX = 512, /* events that have not ended */
};

struct scheduler {
    struct realm *realm;
    struct scheduler_config config;
    struct due_heap heap;
    struct timer timer;
    int64_t until;      /* the end of the window */
    int64_t read_time;  /* of the directory: read up to here and ... */
    struct oid read_id; /* ... this id */
    bool is_read;       /* all of the window is */
    bool has_later;     /* there may be alarms beyond it */
    bool is_stopped;
    bool is_held_up;    /* the first alarm is due and has to wait */
    bool is_failing;    /* the directory cannot be read, and that was logged */
    uint64_t next_ns;   /* the rate: when the next alarm may begin */
    uint64_t paused_ns; /* until when none begins */
    size_t queued, under_way;
};

/* Reads nothing before the loop runs. */
void scheduler_init(struct scheduler *s, struct realm *r,
                    const struct scheduler_config *config);
/* No alarm is begun from now on; events under way end as usual. */
void scheduler_stop(struct scheduler *s);
/* Stop, and free what it has; the timers are still open. */
void scheduler_close(struct scheduler *s);

/* The next alarm of the object is at `time` (0: it has none). */
void scheduler_note(struct scheduler *s, const struct object_class *cls,
                    const struct oid *id, int64_t time);
/* The runtime itself failed the alarm of the object, `trouble` times before:
 * it is fired again, at once for the first time, then later and later. */
void scheduler_hold(struct scheduler *s, const struct object_class *cls,
                    const struct oid *id, unsigned trouble);
/* Commits came to nothing: wait a little, then believe the directory. */
void scheduler_disk_failed(struct scheduler *s);

/* What firing.c has to say of the events that it pushed. */
void scheduler_begun(struct scheduler *s);
void scheduler_ended(struct scheduler *s);
/* What held up the next alarm, a disk that is behind, may be over. */
void scheduler_go_on(struct scheduler *s);

#endif
