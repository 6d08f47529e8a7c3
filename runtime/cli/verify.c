/* verify.c - `moonkeep verify`: whether the data is whole. */
#include <stdio.h>

#include "base/text.h"
#include "cli/ask.h"
#include "cli/format.h"
#include "cli/jsonrow.h"
#include "cli/progress.h"
#include "host/data.h"
#include "host/row.h"

struct checking {
    const struct ask *ask;
    struct progress progress;
    int64_t problems;
};

static void add_problem(struct buf *out, struct slice row)
{
    struct slice name = row_text(row, "name");
    struct slice class_name = row_text(row, "class");

    if (class_name.n != 0) {
        text_add_escaped(out, class_name, TEXT_PRINTABLE);
        buf_add_byte(out, ' ');
        text_add_escaped(out, name.n == 0 ? row_text(row, "id") : name,
                         TEXT_PRINTABLE);
        buf_add_text(out, ": ");
    }
    text_add_escaped(out, row_text(row, "problem"), TEXT_PRINTABLE);
    buf_add_text(out, "\n  ");
    text_add_escaped(out, row_text(row, "way_out"), TEXT_PRINTABLE);
    if (name.n != 0) {
        buf_add_text(out, " (id ");
        buf_add_slice(out, row_text(row, "id"));
        buf_add_byte(out, ')');
    }
}

static void add_summary(struct buf *out, struct slice row)
{
    int64_t problems = row_integer(row, "problems");

    format_count(out, row_integer(row, "objects"));
    buf_add_text(out,
                 row_integer(row, "objects") == 1 ? " object, " : " objects, ");
    format_bytes(out, row_integer(row, "bytes"));
    buf_add_text(out, row_integer(row, "log") != 0
                          ? ", and the log: "
                          : " (the log is checked at each start): ");
    if (problems == 0)
        buf_add_text(out, "all is well");
    else
        format_count(out, problems);
    buf_add_text(out, problems == 0   ? ""
                      : problems == 1 ? " problem"
                                      : " problems");
    if (row_integer(row, "extra") != 0) {
        buf_add_text(out, "; entries too many in the directory, which are "
                          "harmless: ");
        format_count(out, row_integer(row, "extra"));
    }
}

static int on_row(void *arg, struct slice row)
{
    struct checking *c = arg;
    struct buf out = {0};

    if (row_is(row, "progress")) {
        progress_show(&c->progress, row_integer(row, "done"),
                      row_integer(row, "total"));
        return 0;
    }
    progress_clear(&c->progress);
    if (row_is(row, "verified"))
        c->problems = row_integer(row, "problems");
    if (c->ask->json)
        jsonrow_add(&out, row);
    else if (row_is(row, "problem"))
        add_problem(&out, row);
    else
        add_summary(&out, row);
    fprintf(stdout, "%.*s\n", (int)out.n, out.p);
    fflush(stdout);
    buf_fini(&out);
    return 0;
}

static int verify(struct ask *a)
{
    struct checking c = {.ask = a};
    int rc = ask_open(a);

    if (rc != 0)
        return rc;
    progress_init(&c.progress, "objects");
    row_begin(&a->question, "verify");
    rc = ask_rows(a, on_row, &c);
    progress_clear(&c.progress);
    return rc != 0 ? rc : c.problems == 0 ? EXIT_OK : EXIT_FAILED;
}

static void on_rebuilt(void *arg, int64_t objects)
{
    progress_show(arg, objects, 0);
}

static int rebuild(struct ask *a)
{
    struct progress progress;
    struct error err = {0};
    struct buf out = {0};
    int rc = ask_configure(a);

    if (rc == 0 && !client_finds(&a->config, &err))
        rc = command_failed(a->self, "%s", err.text);
    if (rc != 0)
        return rc;
    progress_init(&progress, "objects");
    int64_t count = data_rebuild(&a->config, NULL, on_rebuilt, &progress, &err);
    progress_clear(&progress);
    if (count < 0)
        return command_failed(a->self, "%s", err.text);
    format_count(&out, count);
    if (a->json)
        printf("{\"rebuilt\":%lld}\n", (long long)count);
    else
        printf("the directory was made anew: %.*s objects\n", (int)out.n,
               out.p);
    buf_fini(&out);
    return EXIT_OK;
}

static int verify_run(const struct command *self, int argc, char **argv)
{
    bool rebuilds = false;
    const struct option more[] = {{"--rebuild", NULL, &rebuilds}};
    struct ask a;
    int rc = ask_parse(&a, self, argc, argv, &(struct ask_terms){more, 1, 0});

    if (rc == 0)
        rc = rebuilds ? rebuild(&a) : verify(&a);
    ask_close(&a);
    return rc;
}

static const char details[] =
    "Checks every object's database, the log, the directory of objects\n"
    "against them, and the files of history.  Says what is wrong and the\n"
    "way out, with exit code 1.  The log of a running server is left out:\n"
    "it is checked at each start.\n\n"
    "  --rebuild         make the directory of objects anew from the objects'\n"
    "                    files; the server must be stopped\n" ASK_OPTIONS "\n"
    "Example:\n"
    "  moonkeep verify --data /var/lib/app\n";

const struct command verify_command = {
    .name = "verify",
    .summary = "check that the data is whole",
    .usage = "verify [--data DIR] [--rebuild] [OPTION...]",
    .details = details,
    .run = verify_run,
};
