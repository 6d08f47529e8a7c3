/* sql.c - `moonkeep sql`: statements on one object's storage. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/ask.h"
#include "cli/format.h"
#include "cli/jsonrow.h"
#include "host/row.h"

struct printing {
    const struct ask *ask;
    char **names; /* of the columns; owned, as the array */
    size_t count;
    char (*keys)[24]; /* "0", "1" ...: of their cells; owned */
    struct table_column *columns;
    struct table table;
    struct pager pager;
    int64_t rows;
    struct buf line;
};

/* ---- the columns ---- */

static void take_names(struct printing *p, struct slice row)
{
    struct slice names = row_text(row, "names");
    struct slice name;

    while (cell_next_text(&names, &name)) {
        p->names = mem_realloc(p->names, (p->count + 1) * sizeof(*p->names));
        p->names[p->count++] = mem_dup(name.p, name.n);
    }
    if (p->count == 0)
        return;
    p->keys = mem_zalloc(p->count * sizeof(*p->keys));
    p->columns = mem_zalloc(p->count * sizeof(*p->columns));
    for (size_t i = 0; i < p->count; i++) {
        snprintf(p->keys[i], sizeof(p->keys[i]), "%zu", i);
        p->columns[i] =
            (struct table_column){p->names[i], p->keys[i], TABLE_VALUE, NULL};
    }
}

static void printing_fini(struct printing *p)
{
    for (size_t i = 0; i < p->count; i++)
        free(p->names[i]);
    free(p->names);
    free(p->keys);
    free(p->columns);
    buf_fini(&p->line);
}

/* ---- JSON ---- */

static void json_head(struct printing *p)
{
    const char *comma = "";

    buf_add_text(&p->line, "{\"columns\":[");
    for (size_t i = 0; i < p->count; i++) {
        buf_add_text(&p->line, comma);
        jsonrow_add_string(&p->line, slice_of(p->names[i]));
        comma = ",";
    }
    buf_add_text(&p->line, "],\"rows\":[");
}

/* Whether a later column has the same name: that one counts. */
static bool is_hidden(const struct printing *p, size_t i)
{
    for (size_t k = i + 1; k < p->count; k++) {
        if (slice_eq(slice_of(p->names[i]), slice_of(p->names[k])))
            return true;
    }
    return false;
}

static void json_row(struct printing *p, struct slice row)
{
    const char *comma = "";
    struct slice cells;
    struct cell c;

    buf_add_text(&p->line, p->rows == 0 ? "\n{" : ",\n{");
    row_kind(row, &cells);
    for (size_t i = 0; i < p->count && row_next(&cells, &c); i++) {
        if (is_hidden(p, i))
            continue;
        buf_add_text(&p->line, comma);
        jsonrow_add_string(&p->line, slice_of(p->names[i]));
        buf_add_byte(&p->line, ':');
        jsonrow_add_value(&p->line, &c);
        comma = ",";
    }
    buf_add_byte(&p->line, '}');
}

static void json_end(struct printing *p, struct slice row)
{
    buf_printf(&p->line,
               "],\"rows_read\":%" PRId64 ",\"rows_written\":%" PRId64
               ",\"ms\":%.3f,\"has_more\":%s}\n",
               row_integer(row, "rows_read"), row_integer(row, "rows_written"),
               (double)row_integer(row, "us") / 1000,
               row_integer(row, "has_more") != 0 ? "true" : "false");
}

static void on_json(struct printing *p, struct slice row)
{
    p->line.n = 0;
    if (row_is(row, "columns"))
        json_head(p);
    else if (row_is(row, "row"))
        json_row(p, row);
    else
        json_end(p, row);
    fwrite(p->line.p, 1, p->line.n, stdout);
}

/* ---- text ---- */

static void add_count(struct buf *out, int64_t n, const char *one,
                      const char *many)
{
    format_count(out, n);
    buf_add_text(out, n == 1 ? one : many);
}

static void text_end(struct printing *p, struct slice row)
{
    struct buf *line = &p->line;

    table_end(&p->table);
    line->n = 0;
    if (p->count != 0)
        add_count(line, row_integer(row, "rows"), " row, ", " rows, ");
    add_count(line, row_integer(row, "rows_read"), " read, ", " read, ");
    add_count(line, row_integer(row, "rows_written"), " written, ",
              " written, ");
    buf_printf(line, "%.2f ms", (double)row_integer(row, "us") / 1000);
    if (row_integer(row, "has_more") != 0)
        buf_add_text(line, "; there are more rows: see --limit");
    pager_line(&p->pager, buf_slice(line));
    if (row_integer(row, "is_overtaken") != 0)
        fprintf(stderr, "the object is at work, and may go on with what it "
                        "had read before\n");
}

static int on_text(struct printing *p, struct slice row)
{
    if (row_is(row, "columns"))
        table_init(&p->table, p->columns, p->count, "", &p->pager);
    else if (row_is(row, "row"))
        return table_add(&p->table, row);
    else
        text_end(p, row);
    return 0;
}

static int on_row(void *arg, struct slice row)
{
    struct printing *p = arg;
    int rc = 0;

    if (row_is(row, "columns"))
        take_names(p, row);
    if (p->ask->json)
        on_json(p, row);
    else
        rc = on_text(p, row);
    p->rows += row_is(row, "row");
    return rc;
}

/* ---- the command ---- */

struct how {
    const char *id, *limit, *timeout;
    bool write;
};

static int check_integer(const struct command *self, const char *name,
                         const char *text)
{
    char *end = NULL;

    if (text != NULL && (strtoll(text, &end, 10) <= 0 || *end != '\0'))
        return command_misused(self,
                               "%s: an integer of at least 1 expected, got "
                               "'%s'",
                               name, text);
    return 0;
}

static int check(const struct command *self, const struct ask *a,
                 const struct how *how)
{
    if (a->word_count != (how->id == NULL ? 3 : 2))
        return command_misused(self,
                               "a class, a name%s and one statement "
                               "expected, got %zu argument%s",
                               how->id == NULL ? "" : " by --id", a->word_count,
                               a->word_count == 1 ? "" : "s");
    int rc = check_integer(self, "--limit", how->limit);
    return rc != 0 ? rc : check_integer(self, "--timeout", how->timeout);
}

static void ask(struct ask *a, const struct how *how)
{
    struct buf *q = &a->question;

    row_begin(q, "sql");
    row_add_text(q, "sql", slice_of(a->words[--a->word_count]));
    ask_add_object(a, how->id);
    row_add_bool(q, "write", how->write);
    if (how->limit != NULL)
        row_add_integer(q, "limit", strtoll(how->limit, NULL, 10));
    if (how->timeout != NULL)
        row_add_integer(q, "timeout_ms", strtoll(how->timeout, NULL, 10));
}

static int sql_run(const struct command *self, int argc, char **argv)
{
    struct how how = {0};
    const struct option more[] = {{"--id", &how.id, NULL},
                                  {"--limit", &how.limit, NULL},
                                  {"--timeout", &how.timeout, NULL},
                                  {"--write", NULL, &how.write}};
    struct printing p = {0};
    struct ask a;
    int rc = ask_parse(&a, self, argc, argv, &(struct ask_terms){more, 4, 3});

    if (rc == 0)
        rc = check(self, &a, &how);
    if (rc == 0)
        rc = ask_open(&a);
    if (rc == 0) {
        p.ask = &a;
        pager_init(&p.pager,
                   a.no_pager || a.json ? PAGER_NEVER : PAGER_IF_LONG);
        ask(&a, &how);
        rc = ask_rows(&a, on_row, &p);
        pager_close(&p.pager);
    }
    printing_fini(&p);
    ask_close(&a);
    return rc;
}

static const char details[] =
    "Runs SQL on one object's storage, as a turn of its own: the rows of the\n"
    "last statement, how many were read and written, and the time it took.\n"
    "The rules are those of storage.sql:exec; the runtime's own tables (_mk_)\n"
    "may be read.  An object that sleeps is not woken; one that is idle goes\n"
    "to sleep after a write, so that it reads anew." ASK_ABOUT_DATA
        ASK_OBJECT_OPTIONS
    "  --write           statements may write: all of them, or none; answered\n"
    "                    when that is on disk\n"
    "  --limit N         so many rows at most; default: 10,000\n"
    "  --timeout MS      so long it may run; default: 1,000 on a running\n"
    "                    server, whose other objects wait "
    "meanwhile\n" ASK_LIST_OPTIONS "\n"
    "Example:\n"
    "  moonkeep sql Room lobby \"SELECT * FROM message ORDER BY id LIMIT 5\"\n";

const struct command sql_command = {
    .name = "sql",
    .summary = "run SQL on the storage of one object",
    .usage = "sql CLASS NAME \"SQL\" [--write] [OPTION...]",
    .details = details,
    .run = sql_run,
};
