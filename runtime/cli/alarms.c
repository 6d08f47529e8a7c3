/* alarms.c - `moonkeep alarms`: what is to fire, or what was given up. */
#include <inttypes.h>

#include "base/text.h"
#include "cli/ask.h"
#include "cli/format.h"
#include "host/row.h"

/* `every`, `cron`, or neither. */
static void write_period(struct buf *out, struct slice row)
{
    struct slice cron = row_text(row, "cron");
    int64_t every = row_integer(row, "every");

    if (cron.n != 0) {
        text_add_escaped(out, cron, TEXT_PRINTABLE);
    } else if (every != 0) {
        buf_add_text(out, "every ");
        format_duration(out, every);
    } else {
        buf_add_byte(out, '-');
    }
}

static void write_alarm(struct buf *out, struct slice row)
{
    struct slice name = row_text(row, "alarm");

    if (name.n == 0)
        buf_add_byte(out, '-');
    else
        text_add_escaped(out, name, TEXT_PRINTABLE);
}

/* Nameless objects by their id. */
static void write_object(struct buf *out, struct slice row)
{
    struct slice name = row_text(row, "name");

    if (name.n == 0)
        name = row_text(row, "id");
    text_add_escaped(out, name, TEXT_PRINTABLE);
}

static const struct table_column alive[] = {
    {"DUE", "due", TABLE_WHEN, NULL},
    {"CLASS", "class", TABLE_TEXT, NULL},
    {"OBJECT", NULL, TABLE_TEXT, write_object},
    {"ALARM", NULL, TABLE_TEXT, write_alarm},
    {"PERIOD", NULL, TABLE_TEXT, write_period},
    {"RETRIES", "retries", TABLE_COUNT, NULL},
};

static const struct table_column dead[] = {
    {"GIVEN UP", "dead", TABLE_WHEN, NULL},
    {"CLASS", "class", TABLE_TEXT, NULL},
    {"OBJECT", NULL, TABLE_TEXT, write_object},
    {"ALARM", NULL, TABLE_TEXT, write_alarm},
    {"MEANT FOR", "time", TABLE_WHEN, NULL},
    {"ERROR", "error", TABLE_TEXT, NULL},
};

static int alarms_run(const struct command *self, int argc, char **argv)
{
    bool is_dead = false;
    const struct option more[] = {{"--dead", NULL, &is_dead}};
    struct ask a;
    int rc = ask_parse(&a, self, argc, argv, &(struct ask_terms){more, 1, 1});

    if (rc == 0)
        rc = ask_open(&a);
    if (rc == 0) {
        row_begin(&a.question, "alarms");
        ask_add_object(&a, NULL);
        if (is_dead)
            row_add_bool(&a.question, "dead", true);
        rc = is_dead ? ask_table(&a, dead, sizeof(dead) / sizeof(*dead),
                                 "no dead letters")
                     : ask_table(&a, alive, sizeof(alive) / sizeof(*alive),
                                 "no alarms");
    }
    ask_close(&a);
    return rc;
}

static const char details[] =
    "Lists the alarms that are set, the next one first, or those that were\n"
    "given up after all retries." ASK_ABOUT_DATA
    "  CLASS             only those of this class\n"
    "  --dead            those that were given up, with the last "
    "error\n" ASK_LIST_OPTIONS "\n"
    "Example:\n"
    "  moonkeep alarms Reminder --dead\n";

const struct command alarms_command = {
    .name = "alarms",
    .summary = "list the alarms that are set, or that failed",
    .usage = "alarms [CLASS] [--dead] [OPTION...]",
    .details = details,
    .run = alarms_run,
};
