/*
 * watch.h - what interrupts the scripts of one thread: a timer that runs on
 * the thread's processor time.
 *
 * Without one a state is interrupted by a hook that counts instructions, which
 * halves the speed of the script.  With one there is no hook until the timer
 * ticks: a signal to this thread alone sets it on the coroutine that runs, it
 * looks at the clock, and goes.  A thread that sleeps has no ticks.
 *
 *   tick --on_tick--> hook of the running coroutine --> check --> no hook
 *
 * The period is PERIOD_NS (watch.c) or the tick of the kernel's scheduler,
 * whichever is longer (4 ms where that has 250 a second); slices and limits
 * are late by up to two of them.  A script that is more than some ten thousand
 * calls deep is interrupted less often.
 *
 * Uses one real-time signal, SIGRTMIN + 2, in the whole process.  System calls
 * that the signal interrupts are restarted where the system can; none is
 * interrupted in a thread without a watch.
 */
#ifndef VM_WATCH_H
#define VM_WATCH_H

#include "base/err.h"

struct watch; /* opaque: state.h */

/* Start a timer on the calling thread, for vm_config.watch of states that run
 * on it; the signal is unblocked there.  To be closed with watch_close.
 * ERR_IO, `*err` filled, when the system has no timer left. */
int watch_open(struct watch **out, struct error *err);
/* Stop the timer; same thread.  No state with it may run any more; they may be
 * freed later.  NULL is allowed. */
void watch_close(struct watch *w);

#endif
