/*
 * task.h - tasks: coroutines of a vm that can wait.
 *
 *   READY --task_resume--> RUNNING --+--> WAITING --wait_done--> READY
 *                                    +--> PREEMPTED (resume again, same turn)
 *                                    +--> DONE | FAILED | KILLED
 *
 * A task is one coroutine that the owner (object or router) resumes; the
 * script's own coroutines run inside it, and a wait or a preemption in any of
 * them parks the whole task.
 */
#ifndef VM_TASK_H
#define VM_TASK_H

#include <stdint.h>

#include "base/err.h"
#include "base/list.h"
#include "base/slice.h"

struct buf;
struct lua_State;
struct vm;
struct wait;

enum task_status {
    TASK_READY,
    TASK_RUNNING,
    TASK_WAITING,
    TASK_PREEMPTED,
    TASK_DONE,
    TASK_FAILED, /* the error value is on top of task->L */
    TASK_KILLED  /* vm_death tells why; the vm must be freed */
};

struct task {
    struct vm *vm;
    struct lua_State *L; /* the coroutine; pinned in the registry */
    enum task_status status;
    struct wait *wait; /* what it waits for, or NULL */
    int result;        /* of the wait: 0 or ERR_* (or as the operation
                          says) */
    /* What the wait's continuation will read; dropped with the task unless it
     * was taken before. */
    void *operation;
    void (*drop)(void *operation);
    uint64_t cpu_ns;  /* used so far */
    uint64_t now_ns;  /* monotonic time: before task_resume that of the last
                         look at the system's clock or 0, after it the end */
    void *owner;      /* the event this task runs; the owner's */
    struct list link; /* the owner's ready queue */
    /* Called when a wait is over: the owner queues the task and resumes it
     * later, never from inside. */
    void (*ready)(struct task *t);
    int ref; /* of L in the registry */
};

/* The link between a task and the one operation it waits for.  Embedded in
 * the operation's own struct, which the operation owns and frees. */
struct wait {
    struct task *task;              /* NULL when nobody waits any more */
    void (*cancel)(struct wait *w); /* stops the operation, never calls back */
    /* Append in a few words what is waited for: "mk.sleep".  Set before
     * wait_begin; NULL: nobody says. */
    void (*describe)(const struct wait *w, struct buf *out);
};

/* A task whose first task_resume calls the C function `entry(L)` with `arg`
 * as light userdata at index 1; what it returns stays on t->L when DONE.
 * `entry` may wait through continuations.  Coroutines are reused.  Returns 0
 * or ERR_NOMEM (the vm is then past its limit). */
int task_new(struct vm *vm, int (*entry)(struct lua_State *L), void *arg,
             void (*ready)(struct task *t), void *owner, struct task **out);
/* Free a task in any status but RUNNING; its wait is cancelled. */
void task_free(struct task *t);
/* The same because the script wants it to end: closes its <close> variables
 * first, which is code of the script; look at vm_death afterwards. */
void task_cancel(struct task *t);
/* Let it run to its next wait, preemption or end. */
enum task_status task_resume(struct task *t);
/* The running task stands still while something else runs below it, which is
 * not on its account: between task_unmeter and task_meter; t->now_ns as for
 * task_resume. */
void task_unmeter(struct task *t);
void task_meter(struct task *t);
/* Give up the finished coroutines that are kept for reuse, but for a few. */
void task_trim(struct vm *vm);
/* The same without exception; the next collection frees them. */
void task_drop_idle(struct vm *vm);
/* Number of tasks that are not free. */
int task_count(const struct vm *vm);

/* The task that is running on this thread in the vm of `L`; NULL outside
 * (vm_protect). */
struct task *task_current(struct lua_State *L);
/* The running task, where it may wait now.  Raises "cannot wait while the
 * script is loaded" outside a task, the text of task_forbid_wait, or "attempt
 * to wait across a C-call boundary" where the coroutine is not yieldable.
 * [raises] */
struct task *task_check(struct lua_State *L);
/* While `why` is not NULL, task_check raises it (static string). */
void task_forbid_wait(struct vm *vm, const char *why);

/* `t` waits for `w` from now on; the binding then returns
 * lua_yieldk(L, 0, ctx, k) at once, and k finds t->result. Never raises. */
void wait_begin(struct wait *w, struct task *t, void (*cancel)(struct wait *));
/* The operation is over: the task becomes READY and its owner is told.  May
 * be called before the yield.  Does nothing when nobody waits. */
void wait_done(struct wait *w, int result);
/* To be returned by a C function to let others run and then go on in `k`: the
 * same turn goes on (not a wait).  Only if lua_isyieldable. */
int task_preempt(struct lua_State *L, intptr_t ctx,
                 int (*k)(struct lua_State *L, int status, intptr_t ctx));

#endif
