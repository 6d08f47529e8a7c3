#include "vm/watch.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/must.h"
#include "vm/state.h"

/* glibc has no public name for the thread that SIGEV_THREAD_ID names. */
#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

enum { PERIOD_NS = 1000 * 1000, REST = 8 };

static int tick_signal(void)
{
    return SIGRTMIN + 2;
}

/* Runs between any two machine instructions of the thread: lua_sethook is the
 * one function of Lua that allows it.  It visits every call on the stack of the
 * coroutine, which takes milliseconds where the script is deep in a recursion:
 * without rests ticks would come faster than they can be handled. */
static void interrupt(struct watch *w, lua_State *L, uint64_t before)
{
    if (before < w->rest_ns)
        return;
    w->is_due = 1;
    if ((lua_gethookmask(L) & LUA_MASKCALL) == 0) /* else vm_disarm's stays */
        lua_sethook(L, meter_hook, LUA_MASKCOUNT, 1);
    uint64_t now = clock_cpu_ns();
    w->rest_ns = now + REST * (now - before);
}

static void on_tick(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    if (info->si_code != SI_TIMER)
        return; /* not ours: sent by another process */

    struct watch *w = info->si_value.sival_ptr;

    w->cpu_ns = clock_cpu_ns();
    if (w->at != NULL)
        interrupt(w, w->at, w->cpu_ns);
}

static void unblock(struct watch *w)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, tick_signal());
    MUST(pthread_sigmask(SIG_UNBLOCK, &set, &w->before) == 0);
}

static int start(struct watch *w)
{
    const struct itimerspec every = {.it_interval.tv_nsec = PERIOD_NS,
                                     .it_value.tv_nsec = PERIOD_NS};
    struct sigaction act = {.sa_sigaction = on_tick,
                            .sa_flags = SA_RESTART | SA_SIGINFO};
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID,
                             .sigev_signo = tick_signal(),
                             .sigev_value.sival_ptr = w};

    event.sigev_notify_thread_id = gettid();
    sigemptyset(&act.sa_mask);
    MUST(sigaction(tick_signal(), &act, NULL) == 0);
    if (timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &w->timer) != 0)
        return errno;
    unblock(w);
    MUST(timer_settime(w->timer, 0, &every, NULL) == 0);
    return 0;
}

/* Timers of processor time are looked at when the scheduler ticks. */
static uint64_t tick_ns(void)
{
    struct timespec t = {0};

    clock_getres(CLOCK_MONOTONIC_COARSE, &t);
    return t.tv_nsec < PERIOD_NS ? PERIOD_NS : (uint64_t)t.tv_nsec;
}

int watch_open(struct watch **out, struct error *err)
{
    struct watch *w = mem_zalloc(sizeof(*w));

    w->cpu_ns = clock_cpu_ns();
    int number = start(w);

    *out = NULL;
    if (number != 0) {
        free(w);
        return error_set(err, ERR_IO, "cannot make a processor timer: %s",
                         strerror(number));
    }
    w->tick_ns = tick_ns();
    *out = w;
    return 0;
}

void watch_close(struct watch *w)
{
    if (w == NULL)
        return;
    MUST(w->at == NULL);
    /* A tick that is pending comes before the call returns. */
    timer_delete(w->timer);
    pthread_sigmask(SIG_SETMASK, &w->before, NULL);
    free(w);
}
