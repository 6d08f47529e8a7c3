/*
 * signals.h - SIGTERM, SIGINT and SIGHUP, waited for by the main thread.
 *
 * Blocked before any other thread starts, so that they reach no other and
 * interrupt nothing.
 */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

#include <stdbool.h>

/* Hold the three back from now on, in this thread and those it starts. */
void signals_block(void);
/* Let them do again what they do by themselves: end the process. */
void signals_restore(void);
/* The next one, or 0 when none came within `timeout_ms`; -1: no time-out. */
int signals_wait(int timeout_ms);
/* Whether the process was started so that it outlives its terminal (nohup). */
bool signals_hangup_ignored(void);

#endif
