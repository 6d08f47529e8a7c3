/*
 * alarm_rules.h - when an alarm is due next.  Pure: no database.
 *
 * The grid of a periodic alarm is where its times lie: the first one and every
 * `every` ms after it, or what `cron` names.  `time` is always on it; retries
 * only move `due`.
 */
#ifndef STORE_ALARM_RULES_H
#define STORE_ALARM_RULES_H

#include "store/alarm.h"

/* The first time of the grid after `t` (and after a->time), INT64_MAX when it
 * is beyond all time; 0 when it is not periodic. */
int64_t alarm_rules_after(const struct alarm *a, int64_t t);
/* The time to go on with when the one at a->time has been dealt with at `now`;
 * 0: none. */
int64_t alarm_rules_next(const struct alarm *a, int64_t now);
/* `a`, which is due, was missed and is not to be fired. */
bool alarm_rules_skips(const struct alarm *a, int64_t now, int64_t up_since);
/* Milliseconds until the retry after `retries` of them. */
int64_t alarm_rules_delay(int retries, struct random *random);

#endif
