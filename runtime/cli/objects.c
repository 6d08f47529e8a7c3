/* objects.c - `moonkeep objects`: every object that has storage. */
#include <stdlib.h>

#include "cli/ask.h"
#include "host/row.h"

static void write_state(struct buf *out, struct slice row)
{
    struct slice state = row_text(row, "state");

    buf_add_slice(out, state);
    if (slice_eq(state, SLICE("hibernating")))
        buf_printf(out, " with %lld socket%s",
                   (long long)row_integer(row, "socket_count"),
                   row_integer(row, "socket_count") == 1 ? "" : "s");
}

static const struct table_column columns[] = {
    {"CLASS", "class", TABLE_TEXT, NULL},
    {"NAME", "name", TABLE_TEXT, NULL},
    {"ID", "id", TABLE_SHORT, NULL},
    {"SIZE", "bytes", TABLE_BYTES, NULL},
    {"STATE", "state", TABLE_TEXT, write_state},
    {"NEXT ALARM", "next_alarm", TABLE_WHEN, NULL},
    {"LAST EVENT", "last_event", TABLE_WHEN, NULL},
};

enum { COLUMN_COUNT = sizeof(columns) / sizeof(*columns) };

static int check(const struct command *self, const struct ask *a,
                 const char *limit, bool is_of_class)
{
    char *end = NULL;

    if (is_of_class && a->word_count == 0)
        return command_misused(self, "--prefix and --after need a CLASS");
    if (limit != NULL && (strtoll(limit, &end, 10) <= 0 || *end != '\0'))
        return command_misused(
            self, "--limit: an integer of at least 1 expected, got '%s'",
            limit);
    return 0;
}

static void ask(struct ask *a, const char *prefix, const char *after,
                const char *limit)
{
    row_begin(&a->question, "objects");
    ask_add_object(a, NULL);
    if (prefix != NULL)
        row_add_text(&a->question, "prefix", slice_of(prefix));
    if (after != NULL)
        row_add_text(&a->question, "after", slice_of(after));
    if (limit != NULL)
        row_add_integer(&a->question, "limit", strtoll(limit, NULL, 10));
}

static int objects_run(const struct command *self, int argc, char **argv)
{
    const char *prefix = NULL;
    const char *after = NULL;
    const char *limit = NULL;
    const struct option more[] = {{"--prefix", &prefix, NULL},
                                  {"--after", &after, NULL},
                                  {"--limit", &limit, NULL}};
    struct ask a;
    int rc = ask_parse(&a, self, argc, argv, &(struct ask_terms){more, 3, 1});

    if (rc == 0)
        rc = check(self, &a, limit, prefix != NULL || after != NULL);
    if (rc == 0)
        rc = ask_open(&a);
    if (rc == 0) {
        ask(&a, prefix, after, limit);
        /* The columns after the first, when all are of one class. */
        rc = ask_table(&a, columns + a.word_count, COLUMN_COUNT - a.word_count,
                       "no objects");
    }
    ask_close(&a);
    return rc;
}

static const char details[] =
    "Lists every object that has storage, by class and name: size, state,\n"
    "next alarm, and when it last had something to do." ASK_ABOUT_DATA
    "  CLASS             only those of this class\n"
    "  --prefix P        only those whose names begin so\n"
    "  --after NAME      only those behind this name\n"
    "  --limit N         so many at most\n" ASK_LIST_OPTIONS "\n"
    "Example:\n"
    "  moonkeep objects Room --prefix berlin-\n";

const struct command objects_command = {
    .name = "objects",
    .summary = "list the objects that have storage",
    .usage = "objects [CLASS] [--prefix P] [--after NAME] [OPTION...]",
    .details = details,
    .run = objects_run,
};
