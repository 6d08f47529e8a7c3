/* tail.c - `moonkeep tail`: what happens on a running server, as it happens. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/logtext.h"
#include "base/text.h"
#include "cli/ask.h"
#include "cli/format.h"
#include "cli/jsonrow.h"
#include "host/row.h"

enum { OBJECT_WIDTH = 16, WHAT_WIDTH = 16, OUTCOME_WIDTH = 5, COST_WIDTH = 7 };

struct tailing {
    const struct ask *ask;
    struct buf line;
};

/* ---- JSON ---- */

/* Members as they are: `fields` is JSON already. */
static void add_member(struct buf *out, const struct cell *c)
{
    buf_add_byte(out, ',');
    jsonrow_add_string(out, c->key);
    buf_add_byte(out, ':');
    if (slice_eq(c->key, SLICE("fields")) && c->type == CELL_TEXT)
        buf_printf(out, "{%.*s}", (int)c->text.n, c->text.p);
    else
        jsonrow_add_value(out, c);
}

static void add_json(struct buf *out, struct slice row)
{
    struct slice cells;
    struct cell c;

    buf_add_text(out, "{\"type\":");
    jsonrow_add_string(out, row_kind(row, &cells));
    while (row_next(&cells, &c))
        add_member(out, &c);
    buf_add_text(out, "}\n");
}

/* ---- text ---- */

static void add_time(struct buf *out, int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm t;

    localtime_r(&seconds, &t);
    buf_printf(out, "%02d:%02d:%02d.%03d ", t.tm_hour, t.tm_min, t.tm_sec,
               (int)(ms % 1000));
}

static void add_object(struct buf *out, struct slice row)
{
    struct slice class_name = row_text(row, "class");
    struct slice name = row_text(row, "name");

    if (class_name.n == 0) {
        buf_add_text(out, "router");
        return;
    }
    text_add_escaped(out, class_name, TEXT_PRINTABLE);
    buf_add_byte(out, '/');
    text_add_escaped(out, name.n != 0 ? name : row_text(row, "id"),
                     TEXT_PRINTABLE);
}

/* Columns for the eye; what is longer moves the rest of its line. */
static void pad(struct buf *out, size_t start, size_t width)
{
    struct slice text = {out->p + start, out->n - start};

    for (size_t n = text_width(text); n < width; n++)
        buf_add_byte(out, ' ');
    buf_add_text(out, "  ");
}

static void add_us(struct buf *out, int64_t us)
{
    buf_printf(out, us < 100000 ? "%.2f ms" : "%.0f ms", (double)us / 1000);
}

static void add_bytes(struct buf *out, const char *label, struct slice row,
                      const char *key)
{
    struct cell c;

    buf_add_text(out, label);
    if (row_find(row, key, &c))
        format_bytes(out, c.integer);
    else
        buf_add_byte(out, '-');
}

static void add_cost(struct buf *out, struct slice row)
{
    size_t start = out->n;

    add_us(out, row_integer(row, "took_us"));
    pad(out, start, COST_WIDTH);
    buf_add_text(out, "cpu ");
    start = out->n;
    add_us(out, row_integer(row, "cpu_us"));
    pad(out, start, COST_WIDTH);
    buf_add_text(out, "read ");
    format_count(out, row_integer(row, "rows_read"));
    buf_add_text(out, "  wrote ");
    format_count(out, row_integer(row, "rows_written"));
    add_bytes(out, "  in ", row, "bytes_in");
    add_bytes(out, "  out ", row, "bytes_out");
}

static void add_event(struct buf *out, struct slice row)
{
    int64_t status = row_integer(row, "status");
    struct slice error = row_text(row, "error");

    add_time(out, row_integer(row, "time"));
    buf_printf(out, "%-6.*s", (int)row_text(row, "event").n,
               row_text(row, "event").p);
    size_t start = out->n;
    add_object(out, row);
    pad(out, start, OBJECT_WIDTH);
    start = out->n;
    text_add_escaped(out, row_text(row, "what"), TEXT_PRINTABLE);
    pad(out, start, WHAT_WIDTH);
    start = out->n;
    if (status != 0)
        buf_printf(out, "%" PRId64, status);
    else
        buf_add_slice(out, row_text(row, "outcome"));
    pad(out, start, OUTCOME_WIDTH);
    add_cost(out, row);
    if (error.n != 0) {
        buf_add_text(out, "\n    ");
        text_add_escaped(out, error, TEXT_PRINTABLE);
    }
    buf_add_byte(out, '\n');
}

static void add_log(struct buf *out, struct slice row)
{
    static const char *const levels[] = {"debug", "info", "warn", "error"};
    struct log_line line = {.message = row_text(row, "message"),
                            .class_name = row_text(row, "class"),
                            .name = row_text(row, "name"),
                            .id = row_text(row, "id"),
                            .fields = row_text(row, "fields"),
                            .trace = row_text(row, "trace")};

    for (int i = 0; i < 4; i++) {
        if (slice_eq(row_text(row, "level"), slice_of(levels[i])))
            line.level = (enum log_level)i;
    }
    logtext_readable(&line, row_integer(row, "time"), false, out);
}

static void add_text(struct buf *out, struct slice row)
{
    if (row_is(row, "event")) {
        add_event(out, row);
    } else if (row_is(row, "log")) {
        add_log(out, row);
    } else if (row_is(row, "dropped")) {
        format_count(out, row_integer(row, "count"));
        buf_add_text(out, " lines dropped: they came faster than they were "
                          "read\n");
    }
}

/* ---- the command ---- */

static int on_row(void *arg, struct slice row)
{
    struct tailing *t = arg;

    if (row_is(row, "waiting"))
        return command_reader_left();
    if (row_is(row, "watching") && !t->ask->json) {
        fprintf(stderr, "watching; Ctrl-C ends it\n");
        return 0;
    }
    if (row_is(row, "missing")) {
        struct slice text = row_text(row, "text");

        fprintf(stderr, "moonkeep tail: %.*s; waiting for it\n", (int)text.n,
                text.p);
        return 0;
    }
    t->line.n = 0;
    if (t->ask->json)
        add_json(&t->line, row);
    else
        add_text(&t->line, row);
    if (t->line.n == 0)
        return 0;
    /* Somebody may look at each line, or have left. */
    return fwrite(t->line.p, 1, t->line.n, stdout) != t->line.n ||
           fflush(stdout) != 0;
}

static int check(const struct command *self, const struct ask *a,
                 const char *id)
{
    if (id != NULL && a->word_count != 1)
        return command_misused(self, "--id goes with a class and no name");
    return 0;
}

static int tail_run(const struct command *self, int argc, char **argv)
{
    const char *id = NULL;
    const struct option more[] = {{"--id", &id, NULL}};
    struct tailing t = {0};
    struct ask a;
    int rc = ask_parse(&a, self, argc, argv, &(struct ask_terms){more, 1, 2});

    t.ask = &a;
    a.need = CLIENT_SERVER;
    if (rc == 0)
        rc = check(self, &a, id);
    if (rc == 0)
        rc = ask_open(&a);
    if (rc == 0) {
        row_begin(&a.question, "tail");
        ask_add_object(&a, id);
        rc = ask_rows(&a, on_row, &t);
    }
    /* That nobody reads to the end is no failure. */
    if (ferror(stdout) && command_reader_left())
        clearerr(stdout);
    buf_fini(&t.line);
    ask_close(&a);
    return rc;
}

static const char details[] =
    "Shows what happens on a running server, as it happens, until you end it:\n"
    "each event with its outcome, the time it took, processor time, rows read\n"
    "and written, bytes that came and went; and the log of the script.  A\n"
    "reader that is too slow holds up nothing: lines are dropped, and their\n"
    "number is shown.\n\n"
    "  CLASS [NAME]      only objects of this class, or this one object\n"
    "  --id HEX          its id, instead of its name\n" ASK_OPTIONS "\n"
    "Example:\n"
    "  moonkeep tail Room lobby\n";

const struct command tail_command = {
    .name = "tail",
    .summary = "show live what objects do, and their log",
    .usage = "tail [CLASS [NAME]] [OPTION...]",
    .details = details,
    .run = tail_run,
};
