/* top.c - `moonkeep top`: which objects of a running server use the most. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/ask.h"
#include "cli/format.h"
#include "cli/jsonrow.h"
#include "cli/keyboard.h"
#include "cli/signals.h"
#include "host/row.h"
#include "host/usage.h"

enum {
    HEAD_LINES = 4, /* on a screen, with the titles */
    LINES_LEAST = 3,
    PATIENCE_S = 10 /* for a sign of life of the server */
};

struct top {
    struct ask *ask;
    const char *sort; /* the name of one of usage_sorts */
    const char *interval, *count;
    bool once;
    struct keyboard keyboard;
    struct buf rows; /* "object", of the round: row_join */
    bool is_left;    /* by its user */
    bool is_resorted;
};

/* ---- the table ---- */

static void write_name(struct buf *out, struct slice row)
{
    struct slice name = row_text(row, "name");

    text_add_escaped(out, name.n != 0 ? name : row_text(row, "id"),
                     TEXT_PRINTABLE);
}

static double real_of(struct slice row, const char *key)
{
    struct cell c;

    return row_find(row, key, &c) ? c.real : 0;
}

static void write_cpu(struct buf *out, struct slice row)
{
    buf_printf(out, "%.1f %%", real_of(row, "cpu") * 100);
}

static void write_events(struct buf *out, struct slice row)
{
    double rate = real_of(row, "events_per_s");

    if (rate < 10)
        buf_printf(out, "%.1f", rate);
    else
        format_count(out, (int64_t)(rate + 0.5));
}

/* Forms of numbers, for the alignment. */
static const struct table_column columns[] = {
    {"CLASS", "class", TABLE_TEXT, NULL},
    {"NAME", NULL, TABLE_TEXT, write_name},
    {"CPU", NULL, TABLE_COUNT, write_cpu},
    {"EVENTS/S", NULL, TABLE_COUNT, write_events},
    {"MEMORY", "memory", TABLE_BYTES, NULL},
    {"SOCKETS", "socket_count", TABLE_COUNT, NULL},
    {"STATE", "state", TABLE_TEXT, NULL},
};

enum { COLUMN_COUNT = sizeof(columns) / sizeof(*columns) };

static void add_clock(struct buf *out)
{
    time_t now = (time_t)(clock_wall_ms(clock_system()) / 1000);
    struct tm t;

    localtime_r(&now, &t);
    buf_printf(out, "%02d:%02d:%02d", t.tm_hour, t.tm_min, t.tm_sec);
}

static void print_head(struct slice round, const struct top *t,
                       struct pager *to)
{
    struct buf line = {0};

    add_clock(&line);
    buf_printf(&line, "  %" PRId64 " worker%s  cpu ",
               row_integer(round, "workers"),
               row_integer(round, "workers") == 1 ? "" : "s");
    write_cpu(&line, round);
    buf_add_text(&line, "  events/s ");
    write_events(&line, round);
    buf_add_text(&line, "  memory ");
    format_bytes(&line, row_integer(round, "resident"));
    pager_line(to, buf_slice(&line));
    line.n = 0;
    buf_add_text(&line, "objects in memory ");
    format_count(&line, row_integer(round, "objects"));
    buf_add_text(&line, ", awake ");
    format_count(&line, row_integer(round, "awake"));
    buf_add_text(&line, "; sockets ");
    format_count(&line, row_integer(round, "socket_count"));
    buf_printf(&line, "; by %s", t->sort);
    if (t->keyboard.is_open)
        buf_add_text(&line, " (keys: c e m s, q)");
    pager_line(to, buf_slice(&line));
    pager_line(to, (struct slice){0});
    buf_fini(&line);
}

static void print_text(struct top *t, struct slice round)
{
    struct slice rows = buf_slice(&t->rows);
    struct slice row;
    struct pager to;
    struct table table;

    pager_init(&to, PAGER_NEVER);
    if (t->keyboard.is_open)
        fputs("\x1b[H\x1b[J", stdout);
    print_head(round, t, &to);
    table_init(&table, columns, COLUMN_COUNT, "", &to);
    while (cell_next_text(&rows, &row))
        table_add(&table, row);
    table_end(&table);
    if (!t->keyboard.is_open && !t->once)
        pager_line(&to, (struct slice){0});
    t->is_left |= to.is_left;
    pager_close(&to);
    fflush(stdout);
}

/* ---- JSON ---- */

static void print_json(struct top *t, struct slice round)
{
    struct slice rows = buf_slice(&t->rows);
    struct slice row;
    struct buf out = {0};
    const char *comma = "";

    buf_add_byte(&out, '{');
    jsonrow_add_members(&out, round);
    buf_add_text(&out, ",\"top\":[");
    while (cell_next_text(&rows, &row)) {
        buf_add_text(&out, comma);
        jsonrow_add(&out, row);
        comma = ",";
    }
    buf_add_text(&out, "]}\n");
    t->is_left |=
        fwrite(out.p, 1, out.n, stdout) != out.n || fflush(stdout) != 0;
    buf_fini(&out);
}

/* ---- rounds ---- */

/* What was pressed, and whether somebody ended it otherwise. */
static void attend(struct top *t)
{
    int key;

    while ((key = keyboard_key(&t->keyboard)) != 0) {
        t->is_left |= key == 'q' || key == 'Q' || key == 3;
        for (int i = 0; i < USAGE_SORTS; i++) {
            if (key == usage_sorts[i][0] && t->sort != usage_sorts[i]) {
                t->sort = usage_sorts[i];
                t->is_resorted = true;
            }
        }
    }
    t->is_left |= signals_wait(0) != 0;
}

static int on_row(void *arg, struct slice row)
{
    struct top *t = arg;

    if (row_is(row, "object")) {
        row_join(&t->rows, row);
        return 0;
    }
    if (row_is(row, "round")) {
        if (t->ask->json)
            print_json(t, row);
        else
            print_text(t, row);
        t->rows.n = 0;
    }
    attend(t);
    return t->is_left || t->is_resorted;
}

static void ask(struct top *t)
{
    struct buf *q = &t->ask->question;
    int64_t count = t->count == NULL ? 0 : strtoll(t->count, NULL, 10);
    size_t rows = terminal_size().rows;

    if (count == 0 && t->keyboard.is_open && rows != 0)
        count = rows > HEAD_LINES + LINES_LEAST ? (int64_t)rows - HEAD_LINES - 1
                                                : LINES_LEAST;
    row_begin(q, "top");
    row_add_text(q, "sort", slice_of(t->sort));
    row_add_integer(q, "count", count);
    row_add_bool(q, "once", t->once);
    if (t->interval != NULL)
        row_add_integer(q, "interval_ms", strtoll(t->interval, NULL, 10));
}

static int ask_once(struct top *t, struct error *err)
{
    struct ask *a = t->ask;
    int rc = client_open(&a->config, CLIENT_SERVER, &a->client, err);

    t->is_resorted = false;
    t->rows.n = 0;
    if (rc != 0)
        return rc;
    client_set_patience(a->client, PATIENCE_S);
    ask(t);
    rc = client_ask(a->client, buf_slice(&a->question), on_row, t, err);
    client_close(a->client);
    a->client = NULL;
    return rc;
}

/* Ask anew when it is to be sorted otherwise. */
static int watch(struct top *t)
{
    struct error err = {0};
    int rc;

    if (!t->once && !t->ask->json)
        keyboard_open(&t->keyboard);
    do {
        rc = ask_once(t, &err);
    } while (rc == 0 && t->is_resorted && !t->is_left);
    keyboard_close(&t->keyboard); /* before anything is said */
    return rc == 0 ? 0 : command_failed(t->ask->self, "%s", err.text);
}

static int check_integer(const struct command *self, const char *name,
                         const char *text, long long least)
{
    char *end = NULL;

    if (text != NULL && (strtoll(text, &end, 10) < least || *end != '\0'))
        return command_misused(
            self, "%s: an integer of at least %lld expected, got '%s'", name,
            least, text);
    return 0;
}

static int check(const struct command *self, struct top *t)
{
    const char *given = t->sort;

    t->sort = NULL;
    for (int i = 0; i < USAGE_SORTS; i++) {
        if (given == NULL || strcmp(given, usage_sorts[i]) == 0) {
            t->sort = usage_sorts[i];
            break;
        }
    }
    if (t->sort == NULL)
        return command_misused(self,
                               "--sort: cpu, events, memory or sockets "
                               "expected, got '%s'",
                               given);
    int rc = check_integer(self, "--interval", t->interval, 100);
    return rc != 0 ? rc : check_integer(self, "--count", t->count, 1);
}

static int top_run(const struct command *self, int argc, char **argv)
{
    struct top t = {0};
    const struct option more[] = {{"--sort", &t.sort, NULL},
                                  {"--interval", &t.interval, NULL},
                                  {"--count", &t.count, NULL},
                                  {"--once", NULL, &t.once}};
    struct ask a;
    int rc = ask_parse(&a, self, argc, argv, &(struct ask_terms){more, 4, 0});

    t.ask = &a;
    if (rc == 0)
        rc = check(self, &t);
    if (rc == 0)
        rc = ask_configure(&a);
    if (rc == 0) {
        signals_block();
        rc = watch(&t);
    }
    if (ferror(stdout) && command_reader_left())
        clearerr(stdout); /* that nobody reads to the end is no failure */
    buf_fini(&t.rows);
    ask_close(&a);
    return rc;
}

static const char details[] =
    "Shows which objects of a running server use the most, anew each second:\n"
    "processor time (of one processor), events that ended, memory of the\n"
    "script's state, sockets.  On a terminal the keys c, e, m and s sort by\n"
    "these, and q ends it.  The routers of all workers are in it as well.\n\n"
    "  --sort KEY        cpu (default), events, memory or sockets\n"
    "  --count N         so many objects; default: what fits, or 20\n"
    "  --interval MS     from one look to the next; default: 1,000\n"
    "  --once            one look, and the end\n" ASK_OPTIONS "\n"
    "Example:\n"
    "  moonkeep top --sort memory\n";

const struct command top_command = {
    .name = "top",
    .summary = "show which objects use the most",
    .usage = "top [--sort cpu|events|memory|sockets] [--once] [OPTION...]",
    .details = details,
    .run = top_run,
};
