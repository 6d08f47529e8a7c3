/*
 * cron.h - cron expressions of five fields, in UTC: which minutes they name.
 *
 *   minute 0-59   hour 0-23   day of month 1-31   month 1-12   day of week 0-7
 *
 * Each is `*`, a number, a range `a-b`, either with a step `/n` (a number with
 * a step goes on to the end of its field), or a list of these with commas;
 * months and days of the week also by their first three English letters,
 * whatever their case; 0 and 7 are Sunday, and a range may end with it
 * (fri-sun).  When day of month and day of week are both restricted (neither
 * begins with `*`), a day that fits one of them counts (POSIX, crontab).  Pure
 * data.
 */
#ifndef BASE_CRON_H
#define BASE_CRON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

enum { CRON_TEXT_MAX = 255 };

/* Bit i: the value i counts. */
struct cron {
    uint64_t minutes;
    uint32_t hours, days, months;
    uint8_t weekdays; /* bit 0: Sunday */
    bool any_day;     /* a day that fits one of the two counts; else both */
};

/* Returns 0, or ERR_INVALID: `*err` names the field, what was expected and
 * what came; also for an expression that names no day at all (31 February). */
int cron_parse(struct slice text, struct cron *out, struct error *err);
/* The first time that the expression names at or after `ms` (milliseconds since
 * the Unix epoch), a whole minute; INT64_MAX where that is after the year
 * 270,000.  Some 500 steps at most: 29 February may be eight years away, on a
 * given day of the week forty. */
int64_t cron_next(const struct cron *c, int64_t ms);

#endif
