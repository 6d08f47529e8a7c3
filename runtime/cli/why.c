/* why.c - `moonkeep why`: what keeps one object awake. */
#include <stdio.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/ask.h"
#include "cli/format.h"
#include "cli/jsonrow.h"
#include "host/row.h"

/* The answer, which is small: the host limits it. */
struct answered {
    struct buf object;
    struct buf keepers; /* row_join */
    size_t count;
};

static int on_row(void *arg, struct slice row)
{
    struct answered *a = arg;

    if (row_is(row, "object")) {
        buf_add_slice(&a->object, row);
    } else {
        row_join(&a->keepers, row);
        a->count++;
    }
    return 0;
}

/* ---- JSON ---- */

static void print_json(const struct answered *a)
{
    struct slice rows = buf_slice(&a->keepers);
    struct slice row;
    struct buf out = {0};
    const char *comma = "";

    buf_add_byte(&out, '{');
    jsonrow_add_members(&out, buf_slice(&a->object));
    buf_add_text(&out, ",\"keepers\":[");
    while (cell_next_text(&rows, &row)) {
        buf_add_text(&out, comma);
        jsonrow_add(&out, row);
        comma = ",";
    }
    buf_add_text(&out, "]}\n");
    fwrite(out.p, 1, out.n, stdout);
    buf_fini(&out);
}

/* ---- text ---- */

static void write_timer(struct buf *out, struct slice row)
{
    int64_t every = row_integer(row, "every_ms");

    if (every != 0) {
        buf_add_text(out, "every ");
        format_duration(out, every);
        buf_add_text(out, ", next ");
    }
    buf_add_text(out, "in ");
    format_duration(out, row_integer(row, "due_ms"));
}

static const struct {
    const char *kind, *one, *many;
} counted[] = {
    {"queued", "event in the mailbox", "events in the mailbox"},
    {"sockets", "plain socket", "plain sockets"},
    {"references", "function or table that others hold by reference",
     "functions and tables that others hold by reference"},
    {"tasks", "task that is to begin", "tasks that are to begin"},
    {"alarm", "alarm that is fired", "alarms that are fired"},
};

enum { COUNTED = sizeof(counted) / sizeof(*counted) };

static void write_what(struct buf *out, struct slice row)
{
    struct slice kind = row_text(row, "kind");
    int64_t count = row_integer(row, "count");

    if (slice_eq(kind, SLICE("timer")))
        write_timer(out, row);
    else if (slice_eq(kind, SLICE("disk")))
        buf_add_text(out, "what it wrote is not on disk yet");
    else if (count == 0)
        text_add_escaped(out, row_text(row, "what"), TEXT_PRINTABLE);
    for (size_t i = 0; i < COUNTED; i++) {
        if (!slice_eq(kind, slice_of(counted[i].kind)))
            continue;
        format_count(out, count);
        buf_printf(out, " %s", count == 1 ? counted[i].one : counted[i].many);
    }
}

static const struct table_column columns[] = {
    {"KIND", "kind", TABLE_TEXT, NULL},
    {"WHAT", NULL, TABLE_TEXT, write_what},
    {"AGE", "age_ms", TABLE_DURATION, NULL},
    {"WAITS FOR", "waits_for", TABLE_TEXT, NULL},
};

enum { COLUMN_COUNT = sizeof(columns) / sizeof(*columns) };

static void add_when(struct buf *line, const char *text, int64_t ms)
{
    buf_add_text(line, text);
    format_when(line, ms, clock_wall_ms(clock_system()));
}

static void add_sockets(struct buf *line, int64_t count)
{
    buf_add_text(line, " with ");
    format_count(line, count);
    buf_add_text(line, count == 1 ? " socket" : " sockets");
}

/* Asleep, or hibernating: only its last commit may be known. */
static void add_asleep(struct buf *line, struct slice object)
{
    int64_t since = row_integer(object, "since");
    int64_t last = row_integer(object, "last_event");

    if (since != 0)
        add_when(line, " since ", since);
    else if (last != 0)
        add_when(line, "; it last had something to do ", last);
}

static void add_awake(struct buf *line, struct slice object, size_t count)
{
    struct cell left;

    add_when(line, " since ", row_integer(object, "since"));
    if (count != 0) {
        buf_add_text(line, ", and kept so by");
    } else if (row_find(object, "sleeps_in_ms", &left)) {
        buf_add_text(line, "; nothing keeps it so, it goes to sleep in ");
        format_duration(line, left.integer);
    }
}

static void print_summary(const struct answered *a, struct pager *to)
{
    struct slice object = buf_slice(&a->object);
    struct slice state = row_text(object, "state");
    struct buf line = {0};

    buf_add_slice(&line, state);
    if (slice_eq(state, SLICE("hibernating")))
        add_sockets(&line, row_integer(object, "socket_count"));
    if (slice_eq(state, SLICE("awake")) || slice_eq(state, SLICE("waking")))
        add_awake(&line, object, a->count);
    else
        add_asleep(&line, object);
    pager_line(to, buf_slice(&line));
    buf_fini(&line);
}

static void print_text(const struct ask *a, const struct answered *answer)
{
    struct slice rows = buf_slice(&answer->keepers);
    struct slice row;
    struct pager to;
    struct table t;

    pager_init(&to, a->no_pager ? PAGER_NEVER : PAGER_IF_LONG);
    print_summary(answer, &to);
    table_init(&t, columns, COLUMN_COUNT, "  ", &to);
    while (cell_next_text(&rows, &row))
        table_add(&t, row);
    table_end(&t);
    pager_close(&to);
}

static int why_run(const struct command *self, int argc, char **argv)
{
    struct answered answer = {0};
    struct ask a;
    int rc = ask_one_object(&a, self, argc, argv, on_row, &answer);

    if (rc == 0 && a.json)
        print_json(&answer);
    else if (rc == 0)
        print_text(&a, &answer);
    buf_fini(&answer.object);
    buf_fini(&answer.keepers);
    ask_close(&a);
    return rc;
}

static const char details[] =
    "Says what keeps an object awake: events under way, how long they are and\n"
    "what they wait for (of a call: class, object and method), timers, plain\n"
    "sockets, what others hold by reference; or that it sleeps, and since\n"
    "when.  It is not woken.\n"
    "Of stopped data every object sleeps." ASK_ABOUT_DATA ASK_OBJECT_OPTIONS
        ASK_LIST_OPTIONS "\n"
    "Example:\n"
    "  moonkeep why Room lobby\n";

const struct command why_command = {
    .name = "why",
    .summary = "tell what keeps one object awake",
    .usage = "why CLASS NAME [OPTION...]",
    .details = details,
    .run = why_run,
};
