#include "store/alarm_rules.h"

#include "base/cron.h"

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* The first of time, time + every, ... after `t`, which is not before time. */
static int64_t every_after(int64_t time, int64_t every, int64_t t)
{
    int64_t next;

    return __builtin_add_overflow(t - (t - time) % every, every, &next)
               ? INT64_MAX
               : next;
}

int64_t alarm_rules_after(const struct alarm *a, int64_t t)
{
    struct cron c;
    int64_t from = later(t, a->time);

    if (a->every > 0)
        return every_after(a->time, a->every, from);
    /* What alarm_set let pass can be parsed. */
    if (a->cron.n == 0 || cron_parse(a->cron, &c, NULL) != 0)
        return 0;
    return from == INT64_MAX ? from : cron_next(&c, from + 1);
}

int64_t alarm_rules_next(const struct alarm *a, int64_t now)
{
    return alarm_rules_after(a, a->missed == ALARM_EACH ? a->time : now);
}

/* `due` and not `time`: a time that was past when it was set fires at once. */
bool alarm_rules_skips(const struct alarm *a, int64_t now, int64_t up_since)
{
    if (a->missed != ALARM_SKIP || a->retries > 0)
        return false;
    int64_t following = alarm_rules_after(a, a->due);
    return up_since > a->due || (following != 0 && following <= now);
}

int64_t alarm_rules_delay(int retries, struct random *random)
{
    int64_t delay = (int64_t)ALARM_RETRY_MS << retries;

    return delay + (int64_t)(random_u64(random) % (uint64_t)(delay / 4 + 1));
}
