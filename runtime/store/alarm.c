#include "store/alarm.h"

#include "base/cron.h"
#include "store/alarm_rows.h"
#include "store/alarm_rules.h"
#include "store/inside.h"

/* ---- setting ---- */

static int check_size(const struct alarm *a, struct error *err)
{
    size_t size = a->name.n + a->payload.n;

    if (a->name.n > ALARM_NAME_MAX)
        return error_set(err, ERR_TOO_BIG,
                         "expected a name of at most %d bytes, got %zu",
                         ALARM_NAME_MAX, a->name.n);
    if (size > ALARM_SIZE_MAX)
        return error_set(err, ERR_TOO_BIG,
                         "expected name and encoded payload of at most "
                         "%d bytes together, got %zu",
                         ALARM_SIZE_MAX, size);
    return 0;
}

/* Check when it is to fire; with `cron` that is also when it is set to. */
static int check_time(struct alarm *a, struct error *err)
{
    struct cron c;

    if (a->time <= 0)
        return error_set(err, ERR_INVALID,
                         "setAlarm() cannot be called with an alarm time <= 0");
    if (a->every < 0)
        return error_set(err, ERR_INVALID,
                         "expected a positive every, got %lld",
                         (long long)a->every);
    if (a->cron.n == 0)
        return 0;
    if (a->every != 0)
        return error_set(err, ERR_INVALID, "expected every or cron, got both");
    int rc = cron_parse(a->cron, &c, err);
    if (rc == 0)
        a->time = cron_next(&c, a->time);
    return rc;
}

/* Room for one more. */
static int check_count(struct db *d, struct error *err)
{
    struct db_alarms *known = &d->alarms;

    if (known->count < 0) {
        int64_t count = alarm_rows_count(d, ALARM_ROW_ORDER, err);

        if (count < 0)
            return (int)count;
        known->count = count;
        if (count == 0)
            known->next = 0;
    }
    return known->count < ALARM_MAX
               ? 0
               : error_set(err, ERR_TOO_BIG,
                           "expected at most %d alarms of one object",
                           ALARM_MAX);
}

int alarm_set(struct db *d, const struct alarm *a, struct error *err)
{
    struct alarm_copy old;
    struct alarm set = *a;
    int rc = check_size(a, err);

    if (rc == 0)
        rc = check_time(&set, err);
    if (rc != 0)
        return rc;
    set.retries = 0;
    set.due = set.time;
    int64_t now = clock_wall_ms(d->pf->client->store->config.clock);
    /* Nobody can have missed what was past when it was set. */
    if (set.missed == ALARM_SKIP && set.due < now)
        set.due = now;
    int found = alarm_rows_copy(d, a->name, &old, err);
    if (found == 0)
        found = check_count(d, err);
    else if (found == 1)
        return alarm_rows_put(d, &set, &old.alarm, err);
    return found < 0 ? found : alarm_rows_put(d, &set, NULL, err);
}

/* ---- reading ---- */

int alarm_get(struct db *d, struct slice name, struct alarm *out,
              struct error *err)
{
    char own[ALARM_NAME_MAX];
    struct alarm_key key = {.name = {own, name.n}};

    *out = (struct alarm){0};
    if (alarm_rows_none(d) || name.n > ALARM_NAME_MAX) {
        db_conn_unpark(d);
        return 0;
    }
    if (name.n != 0) /* it may be borrowed from `d` */
        memcpy(own, name.p, name.n);
    int rc = db_conn_enter(d, err);
    return rc == 0 ? alarm_rows_get(d, &key, out, err) : rc;
}

int alarm_each(struct db *d, enum alarm_which which,
               int (*each)(void *arg, const struct alarm *a), void *arg,
               struct error *err)
{
    return alarm_rows_each(
        d, which == ALARM_DEAD ? ALARM_ROW_DEAD : ALARM_ROW_ALIVE, each, arg,
        err);
}

int alarm_first(struct db *d, struct alarm *out, struct error *err)
{
    char name[ALARM_NAME_MAX];
    struct alarm_key key;

    *out = (struct alarm){0};
    if (alarm_rows_none(d)) {
        db_conn_unpark(d);
        return 0;
    }
    int rc = alarm_rows_first(d, ALARM_ROW_ORDER, name, &key, err);
    if (rc != 1)
        return rc;
    key = (struct alarm_key){.name = key.name};
    rc = alarm_rows_get(d, &key, out, err);
    return rc != 0 ? rc
                   : error_set(err, ERR_CORRUPT,
                               "damaged data: an alarm is due that is not "
                               "there");
}

int64_t alarm_next(struct db *d)
{
    char name[ALARM_NAME_MAX];
    struct alarm_key key;

    if (d->broken != NULL)
        return d->broken->code;
    if (d->alarms.next >= 0)
        return d->alarms.next;
    int rc = alarm_rows_first(d, ALARM_ROW_ORDER, name, &key, NULL);
    return rc == 1 ? key.at : rc;
}

/* ---- how it ends ---- */

int alarm_delete(struct db *d, struct slice name, struct error *err)
{
    struct alarm_copy copy;
    int rc = alarm_rows_copy(d, name, &copy, err);

    if (rc == 1)
        rc = alarm_rows_remove(d, &copy.alarm, err);
    else
        return rc;
    return rc == 0 ? 1 : rc;
}

/* 1 and the alarm as it is stored, if it is the one that began. */
static int find_begun(struct db *d, const struct alarm *a,
                      struct alarm_copy *out, struct error *err)
{
    int64_t generation = a->generation;
    int rc = alarm_rows_copy(d, a->name, out, err);

    return rc == 1 && out->alarm.generation != generation ? 0 : rc;
}

/* Its time has been dealt with: on to the next one, or gone. */
static int go_on(struct db *d, const struct alarm *a, int64_t now,
                 struct error *err)
{
    struct alarm next = *a;

    next.time = next.due = alarm_rules_next(a, now);
    next.retries = 0;
    return next.time == 0 ? alarm_rows_remove(d, a, err)
                          : alarm_rows_move(d, &next, a, err);
}

int alarm_done(struct db *d, const struct alarm *a, int64_t now,
               struct error *err)
{
    struct alarm_copy copy;
    int rc = find_begun(d, a, &copy, err);

    if (rc != 1)
        return rc;
    rc = go_on(d, &copy.alarm, now, err);
    return rc == 0 ? 1 : rc;
}

/* As much of an error's text as is kept, in whole characters. */
static struct slice cut_text(struct slice text)
{
    if (text.n <= ALARM_ERROR_MAX)
        return text;
    text.n = ALARM_ERROR_MAX;
    while (text.n > 0 && ((unsigned char)text.p[text.n] & 0xc0) == 0x80)
        text.n--;
    return text;
}

int alarm_failed(struct db *d, const struct alarm *a, int64_t now,
                 const struct alarm_failure *how, struct random *random,
                 struct error *err)
{
    struct alarm_copy copy;
    int rc = find_begun(d, a, &copy, err);

    if (rc != 1)
        return rc;
    struct alarm retry = copy.alarm;
    if (!how->gives_up && retry.retries < ALARM_RETRIES) {
        retry.due = now + alarm_rules_delay(retry.retries, random);
        retry.retries++;
        rc = alarm_rows_move(d, &retry, &copy.alarm, err);
        return rc == 0 ? 1 : rc;
    }
    rc = alarm_rows_bury(d, &copy.alarm, now, cut_text(how->text), err);
    if (rc == 0)
        rc = go_on(d, &copy.alarm, now, err);
    return rc == 0 ? 2 : rc;
}

int alarm_catch_up(struct db *d, const struct alarm *a, int64_t now,
                   int64_t up_since, struct error *err)
{
    struct alarm_copy copy;

    if (!alarm_rules_skips(a, now, up_since))
        return 1;
    int rc = find_begun(d, a, &copy, err);
    return rc == 1 ? go_on(d, &copy.alarm, now, err) : rc;
}
