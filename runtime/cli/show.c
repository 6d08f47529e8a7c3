/* show.c - `moonkeep show`: one object, all of it. */
#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/ask.h"
#include "cli/format.h"
#include "cli/jsonrow.h"
#include "host/row.h"

/* What comes after the object itself, by kind of row. */
struct section {
    const char *kind, *title; /* the title is the key in JSON as well */
    const struct table_column *columns;
    size_t count;
};

static void write_period(struct buf *out, struct slice row)
{
    struct slice cron = row_text(row, "cron");
    int64_t every = row_integer(row, "every");

    text_add_escaped(out, cron, TEXT_PRINTABLE);
    if (every != 0)
        format_duration(out, every);
    if (every == 0 && cron.n == 0)
        buf_add_byte(out, '-');
}

static const struct table_column keys[] = {
    {"KEY", "key", TABLE_TEXT, NULL},
    {"SIZE", "bytes", TABLE_BYTES, NULL},
    {"VALUE", "value", TABLE_TEXT, NULL},
};
static const struct table_column tables[] = {
    {"TABLE", "name", TABLE_TEXT, NULL},
    {"ROWS", "rows", TABLE_COUNT, NULL},
};
static const struct table_column alarms[] = {
    {"ALARM", "alarm", TABLE_TEXT, NULL},
    {"DUE", "due", TABLE_WHEN, NULL},
    {"PERIOD", NULL, TABLE_TEXT, write_period},
    {"RETRIES", "retries", TABLE_COUNT, NULL},
};
static const struct table_column dead[] = {
    {"ALARM", "alarm", TABLE_TEXT, NULL},
    {"GIVEN UP", "dead", TABLE_WHEN, NULL},
    {"RETRIES", "retries", TABLE_COUNT, NULL},
    {"ERROR", "error", TABLE_TEXT, NULL},
};
static const struct table_column sockets[] = {
    {"STATE", "readyState", TABLE_TEXT, NULL},
    {"HIBERNATABLE", "hibernatable", TABLE_TEXT, NULL},
    {"TAGS", "tags", TABLE_TEXT, NULL},
};

#define COLUMNS(list) (list), sizeof(list) / sizeof(*(list))

static const struct section sections[] = {
    {"key", "keys", COLUMNS(keys)},
    {"table", "tables", COLUMNS(tables)},
    {"alarm", "alarms", COLUMNS(alarms)},
    {"dead", "dead_letters", COLUMNS(dead)},
    {"socket", "sockets", COLUMNS(sockets)},
};

enum { SECTION_COUNT = sizeof(sections) / sizeof(*sections) };

/* The answer, which is small: the host limits it. */
struct shown {
    struct buf object;
    struct buf rows[SECTION_COUNT]; /* row_join */
    size_t counts[SECTION_COUNT];
};

static int on_row(void *arg, struct slice row)
{
    struct shown *s = arg;

    if (row_is(row, "object"))
        buf_add_slice(&s->object, row);
    for (size_t i = 0; i < SECTION_COUNT; i++) {
        if (row_is(row, sections[i].kind)) {
            row_join(&s->rows[i], row);
            s->counts[i]++;
        }
    }
    return 0;
}

/* ---- JSON ---- */

static void add_section(struct buf *out, size_t i, struct slice rows)
{
    struct slice row;
    const char *comma = "";

    buf_printf(out, ",\"%s\":[", sections[i].title);
    while (cell_next_text(&rows, &row)) {
        buf_add_text(out, comma);
        jsonrow_add(out, row);
        comma = ",";
    }
    buf_add_byte(out, ']');
}

static void print_json(const struct shown *s)
{
    struct buf out = {0};

    buf_add_byte(&out, '{');
    jsonrow_add_members(&out, buf_slice(&s->object));
    for (size_t i = 0; i < SECTION_COUNT; i++)
        add_section(&out, i, buf_slice(&s->rows[i]));
    buf_add_text(&out, "}\n");
    fwrite(out.p, 1, out.n, stdout);
    buf_fini(&out);
}

/* ---- text ---- */

static const struct table_column facts[] = {
    {"class", "class", TABLE_TEXT, NULL},
    {"name", "name", TABLE_TEXT, NULL},
    {"id", "id", TABLE_TEXT, NULL},
    {"created", "created", TABLE_WHEN, NULL},
    {"last commit", "last_commit", TABLE_WHEN, NULL},
    {"last event", "last_event", TABLE_WHEN, NULL},
    {"size", "bytes", TABLE_BYTES, NULL},
    {"state", "state", TABLE_TEXT, NULL},
    {"script version", "version", TABLE_COUNT, NULL},
    {"under way", "events", TABLE_COUNT, NULL},
    {"queued", "queued", TABLE_COUNT, NULL},
    {"memory", "memory", TABLE_BYTES, NULL},
    {"next alarm", "next_alarm", TABLE_WHEN, NULL},
    {"error", "error", TABLE_TEXT, NULL},
};

static void print_facts(struct slice object, struct pager *to)
{
    int64_t now = clock_wall_ms(clock_system());
    struct buf line = {0};
    struct cell c;

    for (size_t i = 0; i < sizeof(facts) / sizeof(*facts); i++) {
        if (!row_find(object, facts[i].key, &c))
            continue;
        line.n = 0;
        buf_printf(&line, "%-16s", facts[i].title);
        table_cell(&line, &facts[i], object, now);
        if (row_integer(object, "stale") != 0 && c.text.n == 0 &&
            slice_eq(c.key, SLICE("version")))
            buf_add_text(&line, " (there is a newer one)");
        pager_line(to, buf_slice(&line));
    }
    buf_fini(&line);
}

/* How many there are in all, where not each is shown. */
static void print_title(const struct shown *s, size_t i, struct pager *to)
{
    struct slice object = buf_slice(&s->object);
    int64_t total = (int64_t)s->counts[i];
    bool is_keys = sections[i].columns == keys;
    struct buf line = {0};

    if (is_keys)
        total = row_integer(object, "key_count");
    if (sections[i].columns == sockets)
        total = row_integer(object, "socket_count");
    format_count(&line, total);
    if (is_keys && row_integer(object, "key_count_is_exact") == 0)
        buf_add_byte(&line, '+');
    buf_printf(&line, " %s", sections[i].title);
    if (total == 1)
        line.n--;
    for (size_t n = 0; n < line.n; n++)
        line.p[n] = line.p[n] == '_' ? ' ' : line.p[n];
    if (total > (int64_t)s->counts[i])
        buf_printf(&line, ", the first %zu", s->counts[i]);
    pager_line(to, (struct slice){0});
    pager_line(to, buf_slice(&line));
    buf_fini(&line);
}

static void print_section(const struct shown *s, size_t i, struct pager *to)
{
    const struct section *section = &sections[i];
    struct slice rows = buf_slice(&s->rows[i]);
    struct slice row;
    struct table t;

    if (s->counts[i] == 0)
        return;
    print_title(s, i, to);
    table_init(&t, section->columns, section->count, "  ", to);
    while (cell_next_text(&rows, &row))
        table_add(&t, row);
    table_end(&t);
}

static void print_text(const struct ask *a, const struct shown *s)
{
    struct pager to;

    pager_init(&to, a->no_pager ? PAGER_NEVER : PAGER_IF_LONG);
    print_facts(buf_slice(&s->object), &to);
    for (size_t i = 0; i < SECTION_COUNT; i++)
        print_section(s, i, &to);
    pager_close(&to);
}

static int show_run(const struct command *self, int argc, char **argv)
{
    struct shown shown = {0};
    struct ask a;
    int rc = ask_one_object(&a, self, argc, argv, on_row, &shown);

    if (rc == 0 && a.json)
        print_json(&shown);
    else if (rc == 0)
        print_text(&a, &shown);
    buf_fini(&shown.object);
    for (size_t i = 0; i < SECTION_COUNT; i++)
        buf_fini(&shown.rows[i]);
    ask_close(&a);
    return rc;
}

static const char details[] =
    "Shows what one object has: state, size, keys, tables, alarms, sockets.\n"
    "It is not woken." ASK_ABOUT_DATA ASK_OBJECT_OPTIONS ASK_LIST_OPTIONS "\n"
    "Example:\n"
    "  moonkeep show Room lobby\n";

const struct command show_command = {
    .name = "show",
    .summary = "show what one object has",
    .usage = "show CLASS NAME [OPTION...]",
    .details = details,
    .run = show_run,
};
