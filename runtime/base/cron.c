#include "base/cron.h"

#include <stdio.h>

#include "base/must.h"

enum {
    MINUTE_MS = 60000,
    HOUR = 60, /* minutes */
    DAY = 24 * HOUR,
    WEEK = 7,
    FEBRUARY = 2,
    THURSDAY = 4,          /* the first day of the epoch */
    SHOWN = 40,            /* bytes of a text in a message */
    YEAR_DAYS_400 = 146097 /* days in 400 years */
};

static const int64_t last_ms = (int64_t)8520000000000000; /* year 271,957 */

/* What a field may hold. */
struct field {
    const char *name;
    int low, high;
    const char *words; /* three letters each, the first is `low`; or NULL */
};

enum { MINUTE_AT, HOUR_AT, DAY_AT, MONTH_AT, WEEKDAY_AT, FIELDS };

static const struct field fields[FIELDS] = {
    {"minute", 0, 59, NULL},
    {"hour", 0, 23, NULL},
    {"day of month", 1, 31, NULL},
    {"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
    {"day of week", 0, 7, "sunmontuewedthufrisat"},
};

/* -- parsing ------------------------------------------------------------- */

/* `s` for a message: printable, not too long. */
static const char *shown(struct slice s, char out[SHOWN + 4])
{
    size_t n = s.n < SHOWN ? s.n : SHOWN;

    for (size_t i = 0; i < n; i++)
        out[i] = s.p[i] >= ' ' && s.p[i] <= '~' ? s.p[i] : '?';
    snprintf(out + n, 4, "%s", n < s.n ? "..." : "");
    return out;
}

static int expected(const struct field *f, const char *what, struct slice came,
                    struct error *err)
{
    char text[SHOWN + 4];

    return error_set(err, ERR_INVALID, "cron: %s: expected %s, got '%s'",
                     f->name, what, shown(came, text));
}

/* A value of the field is not what it should be. */
static int bad_value(const struct field *f, struct slice came,
                     struct error *err)
{
    char what[96];

    snprintf(what, sizeof(what), "%s from %d to %d%s",
             f->words == NULL ? "a number"
                              : "a name of three letters or a "
                                "number",
             f->low, f->high, f->words == NULL ? ", a range or '*'" : "");
    return expected(f, what, came, err);
}

/* Cut `s` at the first `c`: what is before it is returned, `*s` becomes what
 * is behind, with p == NULL when there was none. */
static struct slice cut(struct slice *s, char c)
{
    const char *at = s->n == 0 ? NULL : memchr(s->p, c, s->n);
    struct slice head = *s;

    if (at == NULL) {
        *s = (struct slice){0};
        return head;
    }
    head.n = (size_t)(at - s->p);
    *s = (struct slice){at + 1, s->n - head.n - 1};
    return head;
}

/* Up to four digits, or -1. */
static int number_of(struct slice s)
{
    int v = 0;

    if (s.n == 0 || s.n > 4)
        return -1;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return -1;
        v = v * 10 + (s.p[i] - '0');
    }
    return v;
}

static int value_of(const struct field *f, struct slice s)
{
    size_t n = f->words == NULL ? 0 : strlen(f->words) / 3;

    for (size_t i = 0; i < n; i++)
        if (slice_eq_nocase(s, (struct slice){f->words + 3 * i, 3}))
            return f->low + (int)i;
    int v = number_of(s);
    return v < f->low || v > f->high ? -1 : v;
}

struct range {
    int first, last, step;
};

static int parse_bounds(const struct field *f, struct slice s,
                        struct range *out, struct error *err)
{
    struct slice last = s;
    struct slice first = cut(&last, '-');

    out->first = value_of(f, first);
    if (out->first < 0)
        return bad_value(f, first.n == 0 ? s : first, err);
    out->last = last.p == NULL ? out->first : value_of(f, last);
    if (out->last < 0)
        return bad_value(f, last.n == 0 ? s : last, err);
    if (f == &fields[WEEKDAY_AT] && out->last == 0 && out->first > 0)
        out->last = WEEK;
    return out->first <= out->last
               ? 0
               : expected(f, "a range that goes up", s, err);
}

/* One part of a list: `*`, a value or a range, maybe with a step. */
static int parse_range(const struct field *f, struct slice part,
                       struct range *out, struct error *err)
{
    struct slice step = part;
    struct slice bounds = cut(&step, '/');
    int top = f == &fields[WEEKDAY_AT] ? WEEK - 1 : f->high;
    int rc = 0;

    *out = (struct range){f->low, top, 1};
    if (!slice_eq(bounds, SLICE("*")))
        rc = parse_bounds(f, bounds.n == 0 ? part : bounds, out, err);
    if (rc != 0 || step.p == NULL)
        return rc;
    out->step = number_of(step);
    if (out->step < 1 || out->step > top - f->low + 1) {
        char what[32];

        snprintf(what, sizeof(what), "a step from 1 to %d", top - f->low + 1);
        return expected(f, what, step, err);
    }
    if (memchr(bounds.p, '-', bounds.n) == NULL && out->last < top)
        out->last = top;
    return 0;
}

static int parse_field(const struct field *f, struct slice text, uint64_t *out,
                       struct error *err)
{
    struct slice rest = text;

    *out = 0;
    do {
        struct range r;
        int rc = parse_range(f, cut(&rest, ','), &r, err);

        if (rc != 0)
            return rc;
        MUST(r.first >= 0);
        for (int v = r.first; v <= r.last; v += r.step)
            *out |= (uint64_t)1 << v;
    } while (rest.p != NULL);
    return 0;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

/* The next word of `*text`, or an empty one at its end. */
static struct slice next_word(struct slice *text)
{
    while (text->n > 0 && is_space(*text->p))
        *text = (struct slice){text->p + 1, text->n - 1};
    struct slice word = {text->p, 0};
    while (text->n > 0 && !is_space(*text->p)) {
        *text = (struct slice){text->p + 1, text->n - 1};
        word.n++;
    }
    return word;
}

static int split(struct slice text, struct slice out[FIELDS], struct error *err)
{
    char came[SHOWN + 4];
    struct slice rest = text, word;
    int n = 0;

    if (text.n > CRON_TEXT_MAX)
        return error_set(err, ERR_INVALID,
                         "cron: expected at most %d bytes, got %zu",
                         CRON_TEXT_MAX, text.n);
    while ((word = next_word(&rest)).n != 0) {
        if (n < FIELDS)
            out[n] = word;
        n++;
    }
    return n == FIELDS
               ? 0
               : error_set(err, ERR_INVALID,
                           "cron: expected five fields (minute, hour, day of "
                           "month, month, day of week), got %d in '%s'",
                           n, shown(text, came));
}

/* Days that its months can have, in any year. */
static bool names_a_day(const struct cron *c)
{
    static const int lengths[] = {31, 29, 31, 30, 31, 30,
                                  31, 31, 30, 31, 30, 31};

    for (int m = 1; m <= 12; m++)
        if ((c->months >> m & 1) != 0 &&
            (c->any_day || (c->days & ((2ull << lengths[m - 1]) - 1)) != 0))
            return true;
    return false;
}

int cron_parse(struct slice text, struct cron *out, struct error *err)
{
    struct slice words[FIELDS] = {0};
    uint64_t bits[FIELDS];
    int rc = split(text, words, err);

    *out = (struct cron){0};
    for (int i = 0; rc == 0 && i < FIELDS; i++)
        rc = parse_field(&fields[i], words[i], &bits[i], err);
    if (rc != 0)
        return rc;
    *out = (struct cron){
        .minutes = bits[MINUTE_AT],
        .hours = (uint32_t)bits[HOUR_AT],
        .days = (uint32_t)bits[DAY_AT],
        .months = (uint32_t)bits[MONTH_AT],
        .weekdays = (uint8_t)((bits[WEEKDAY_AT] | bits[WEEKDAY_AT] >> WEEK) &
                              ((1u << WEEK) - 1)),
        .any_day = words[DAY_AT].p[0] != '*' && words[WEEKDAY_AT].p[0] != '*',
    };
    return names_a_day(out)
               ? 0
               : expected(&fields[DAY_AT], "a day that one of the months has",
                          words[DAY_AT], err);
}

/* -- finding the next time ----------------------------------------------- */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* The lowest bit of `bits` from `from` on, or -1. */
static int bit_from(uint64_t bits, int from)
{
    uint64_t left = bits >> from << from;

    return left == 0 ? -1 : __builtin_ctzll(left);
}

/* The first minute of a day that counts, from `minute` on, or -1. */
static int minute_from(const struct cron *c, int minute)
{
    int hour = minute / HOUR;
    int found =
        (c->hours >> hour & 1) != 0 ? bit_from(c->minutes, minute % HOUR) : -1;

    if (found < 0) {
        hour = bit_from(c->hours, hour + 1);
        found = bit_from(c->minutes, 0);
    }
    return hour < 0 ? -1 : hour * HOUR + found;
}

/* A day as a date, and the day number of the first of its month. */
struct date {
    int64_t year, first;
    int month, day; /* from 1 */
};

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int month_length(int64_t year, int month)
{
    if (month == FEBRUARY)
        return is_leap(year) ? 29 : 28;
    return 30 + (month + month / 8) % 2;
}

/* Days from the epoch to 1 January of `year`. */
static int64_t year_start(int64_t year)
{
    int64_t y = year - 1;

    return 365 * y + floor_div(y, 4) - floor_div(y, 100) + floor_div(y, 400) -
           719162;
}

static struct date date_of(int64_t day)
{
    struct date d = {.month = 1};

    /* Too few by two at most. */
    d.year = 1970 + floor_div(day * 400, YEAR_DAYS_400) - 1;
    while (year_start(d.year + 1) <= day)
        d.year++;
    d.first = year_start(d.year);
    while (d.first + month_length(d.year, d.month) <= day)
        d.first += month_length(d.year, d.month++);
    d.day = (int)(day - d.first) + 1;
    return d;
}

/* Bit i: day i of that month counts. */
static uint32_t days_of_month(const struct cron *c, const struct date *d)
{
    if ((c->months >> d->month & 1) == 0)
        return 0;
    int weekday = (int)(((d->first + THURSDAY) % WEEK + WEEK) % WEEK);
    uint64_t week = (uint64_t)c->weekdays << WEEK | c->weekdays;
    uint64_t by_week = 0;

    /* The week as it begins on the first, five times over. */
    week = week >> weekday & ((1u << WEEK) - 1);
    for (int i = 0; i < 5; i++)
        by_week |= week << (1 + i * WEEK);
    uint64_t days = c->any_day ? c->days | by_week : c->days & by_week;
    return (uint32_t)(days & ((2ull << month_length(d->year, d->month)) - 2));
}

/* The first day that counts at or after `day`, days since the epoch. */
static int64_t day_from(const struct cron *c, int64_t day)
{
    struct date d = date_of(day);

    for (;;) {
        int found = bit_from(days_of_month(c, &d), d.day);

        if (found >= 0)
            return d.first + found - 1;
        d.first += month_length(d.year, d.month);
        d.day = 1;
        if (++d.month > 12) {
            d.month = 1;
            d.year++;
        }
    }
}

int64_t cron_next(const struct cron *c, int64_t ms)
{
    if (ms > last_ms)
        return INT64_MAX;
    if (ms < -last_ms)
        ms = -last_ms;
    int64_t minute = -floor_div(-ms, MINUTE_MS); /* up */
    int64_t day = floor_div(minute, DAY);
    int64_t found = day_from(c, day);
    int at = minute_from(c, found == day ? (int)(minute - day * DAY) : 0);

    if (at < 0) {
        found = day_from(c, day + 1);
        at = minute_from(c, 0);
    }
    return (found * DAY + at) * MINUTE_MS;
}
