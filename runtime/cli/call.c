/* call.c - `moonkeep call`: a method of one object. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "bindings/address_text.h"
#include "cli/ask.h"
#include "cli/jsonrow.h"
#include "host/row.h"
#include "vm/value_parse.h"
#include "vm/value_text.h"

struct calling {
    const struct ask *ask;
    bool has_failed;
};

/* ---- the answer ---- */

static void print_result(const struct calling *c, struct slice row)
{
    struct slice rest = row_text(row, "values");
    int64_t count = row_integer(row, "count");
    const char *between = c->ask->json ? "," : "\n";
    struct buf out = {0};

    buf_add_text(&out, c->ask->json ? "[" : "");
    for (int64_t i = 0; i < count; i++) {
        buf_add_text(&out, i == 0 ? "" : between);
        size_t used = value_json(rest, address_text, &out);

        rest = (struct slice){rest.p + used, rest.n - used};
    }
    buf_add_text(&out, c->ask->json ? "]\n" : count == 0 ? "" : "\n");
    if (out.n != 0)
        fwrite(out.p, 1, out.n, stdout);
    buf_fini(&out);
}

/* A traceback, with its tabs as spaces. */
static void add_lines(struct buf *out, struct slice text)
{
    while (text.n != 0) {
        const char *end = memchr(text.p, '\n', text.n);
        size_t n = end == NULL ? text.n : (size_t)(end - text.p);
        size_t tabs = 0;

        buf_add_byte(out, '\n');
        for (; tabs < n && text.p[tabs] == '\t'; tabs++)
            buf_add_text(out, "  ");
        text_add_escaped(out, (struct slice){text.p + tabs, n - tabs},
                         TEXT_PRINTABLE);
        n += end != NULL;
        text = (struct slice){text.p + n, text.n - n};
    }
}

static bool is_message_alone(struct slice table)
{
    static const char as_encoded[] = "\x81\xa7message";
    size_t n = sizeof(as_encoded) - 1;

    return table.n > n && memcmp(table.p, as_encoded, n) == 0;
}

/* A table that a script raised is shown whole; those of the runtime say nothing
 * more than message and code. */
static void add_message(struct buf *out, struct slice row)
{
    struct slice code = row_text(row, "code");
    struct slice table = row_text(row, "table");

    text_add_escaped(out, row_text(row, "message"), TEXT_PRINTABLE);
    if (code.n != 0) {
        buf_printf(out, " [%.*s]", (int)code.n, code.p);
    } else if (table.n != 0 && !is_message_alone(table)) {
        buf_add_text(out, "\nraised: ");
        value_json(table, address_text, out);
    }
}

static void print_failure(struct calling *c, struct slice row)
{
    struct buf out = {0};

    add_message(&out, row);
    add_lines(&out, row_text(row, "stack"));
    c->has_failed = true;
    command_failed(c->ask->self, "%.*s", (int)out.n, out.p);
    buf_fini(&out);
}

static int on_row(void *arg, struct slice row)
{
    if (row_is(row, "result"))
        print_result(arg, row);
    else if (row_is(row, "failure"))
        print_failure(arg, row);
    return 0;
}

/* ---- the question ---- */

struct how {
    const char *id, *timeout;
    bool is_new;
    struct buf args;
    size_t first, count; /* of the words that are arguments */
};

static int parse_args(const struct command *self, const struct ask *a,
                      struct how *how)
{
    struct error err = {0};

    how->first = how->id == NULL ? 3 : 2;
    if (a->word_count < how->first)
        return command_misused(self,
                               "a class, a name and a method expected, "
                               "got %zu argument%s",
                               a->word_count, a->word_count == 1 ? "" : "s");
    how->count = a->word_count - how->first;
    for (size_t i = 0; i < how->count; i++) {
        const char *word = a->words[how->first + i];

        if (value_parse(slice_of(word), &how->args, &err) != 0)
            return command_misused(self,
                                   "argument %zu is not JSON: %s; a string "
                                   "needs its own quotes: '\"text\"'",
                                   i + 1, err.text);
    }
    return 0;
}

static int check(const struct command *self, const struct how *how)
{
    char *end = NULL;

    if (how->timeout != NULL &&
        (strtoll(how->timeout, &end, 10) <= 0 || *end != '\0'))
        return command_misused(self,
                               "--timeout: an integer of at least 1 expected, "
                               "got '%s'",
                               how->timeout);
    return 0;
}

static void ask(struct ask *a, const struct how *how)
{
    struct buf *q = &a->question;

    row_begin(q, "call");
    a->word_count = how->first - 1;
    ask_add_object(a, how->id);
    row_add_text(q, "method", slice_of(a->words[how->first - 1]));
    row_add_blob(q, "args", buf_slice(&how->args));
    row_add_integer(q, "arg_count", (int64_t)how->count);
    row_add_bool(q, "new", how->is_new);
    if (how->timeout != NULL)
        row_add_integer(q, "timeout_ms", strtoll(how->timeout, NULL, 10));
}

static int call_run(const struct command *self, int argc, char **argv)
{
    struct how how = {0};
    const struct option more[] = {{"--id", &how.id, NULL},
                                  {"--timeout", &how.timeout, NULL},
                                  {"--new", NULL, &how.is_new}};
    struct calling c = {0};
    struct ask a;
    int rc = ask_parse(&a, self, argc, argv,
                       &(struct ask_terms){more, 3, ASK_WORDS});

    c.ask = &a;
    a.need = CLIENT_SCRIPT;
    if (rc == 0)
        rc = parse_args(self, &a, &how);
    if (rc == 0)
        rc = check(self, &how);
    if (rc == 0)
        rc = ask_open(&a);
    if (rc == 0) {
        ask(&a, &how);
        rc = ask_rows(&a, on_row, &c);
    }
    buf_fini(&how.args);
    ask_close(&a);
    return rc == 0 && c.has_failed ? EXIT_FAILED : rc;
}

static const char details[] =
    "Calls a public method of an object, as through a stub, and prints what\n"
    "it returns: each result as JSON, on a line of its own.  An error in it\n"
    "goes to standard error, with its code and traceback, and the exit code\n"
    "is 1.  When no server runs the script is loaded for this one call, and\n"
    "its log goes to standard error; no alarm fires meanwhile.\n\n"
    "  CLASS NAME METHOD the object and the method\n"
    "  JSON...           the arguments; a string needs its own quotes\n"
    "  --id HEX          its id, instead of its name\n"
    "  --new             the object may be one that has nothing stored yet\n"
    "  --timeout MS      so long the answer may take; default: 30,000\n"
    "  --data DIR        the data folder; default: `data` of the\n"
    "                    moonkeep.lua of the current folder, else .moonkeep\n"
    "  --config FILE     the moonkeep.lua to look into\n"
    "  --json            all results as one JSON array\n\n"
    "Example:\n"
    "  moonkeep call Counter main increment 5\n"
    "  moonkeep call Room lobby say '\"hello\"' '{\"to\": [\"ada\"]}'\n";

const struct command call_command = {
    .name = "call",
    .summary = "call a method of one object",
    .usage = "call CLASS NAME METHOD [JSON...] [OPTION...]",
    .details = details,
    .run = call_run,
};
