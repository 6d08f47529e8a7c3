/*
 * ask.h - what the commands about objects share: finding the data folder, the
 * options that all of them have, one question and its answer.
 *
 *   ask_parse --> ask_open --> row_begin(&a->question, "show") ...
 *             --> ask_rows or ask_table --> ask_close
 *
 * A new command: an entry in command.c, a run function that does this, and a
 * question of its name in host/.
 */
#ifndef CLI_ASK_H
#define CLI_ASK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "cli/client.h"
#include "cli/command.h"
#include "cli/option.h"
#include "cli/table.h"
#include "host/config.h"

enum { ASK_WORDS = 64 };

struct ask {
    const struct command *self;
    const char *data, *file; /* --data, --config */
    bool json, no_pager;
    enum client_need need;        /* to be set before ask_open */
    const char *words[ASK_WORDS]; /* CLASS, NAME ... */
    size_t word_count;
    struct config config;
    struct client *client;
    struct buf question;
};

/* What a command takes beside the options of all of them. */
struct ask_terms {
    const struct option *options;
    size_t option_count;
    size_t most; /* operands */
};

/* Read the command line.  0 or an exit_code, after saying why. */
int ask_parse(struct ask *a, const struct command *self, int argc, char **argv,
              const struct ask_terms *terms);
/* Find the data folder: a->config. */
int ask_configure(struct ask *a);
/* ask_configure, and connect or open. */
int ask_open(struct ask *a);
void ask_close(struct ask *a);

/* Add the operands CLASS and NAME, where given, to the question; `id`: the
 * hex digits of --id, or NULL. */
void ask_add_object(struct ask *a, const char *id);
/* Whether CLASS and NAME, or CLASS and --id, were given; else says so and
 * returns EXIT_USAGE. */
int ask_needs_object(struct ask *a, const char *id);

/* Ask, and call row(arg, row) for each.  0 or EXIT_FAILED after saying why. */
int ask_rows(struct ask *a, int (*row)(void *arg, struct slice row), void *arg);
/* All of it for a command that asks about one object, by the question of its
 * name: `a` is for the answer and for ask_close. */
int ask_one_object(struct ask *a, const struct command *self, int argc,
                   char **argv, int (*row)(void *arg, struct slice row),
                   void *arg);
/* Ask, and print the rows: as a table, in a pager if it is long, or each as a
 * line of JSON.  `nothing` is printed for an empty table. */
int ask_table(struct ask *a, const struct table_column *columns, size_t count,
              const char *nothing);

/* Parts of the help texts. */
#define ASK_ABOUT_DATA                                                         \
    "\n\n"                                                                     \
    "A running server is asked through the socket in its data folder; when\n"  \
    "none runs, the data is opened directly.\n\n"
#define ASK_OBJECT_OPTIONS                                                     \
    "  CLASS NAME        the object; 64 hex digits are taken for its id\n"     \
    "                    when no object has that name\n"                       \
    "  --id HEX          its id, instead of its name\n"
#define ASK_OPTIONS                                                            \
    "  --data DIR        the data folder; default: `data` of the\n"            \
    "                    moonkeep.lua of the current folder, else .moonkeep\n" \
    "  --config FILE     the moonkeep.lua to look into\n"                      \
    "  --json            for machines: JSON on standard output\n"
#define ASK_LIST_OPTIONS                                                       \
    ASK_OPTIONS                                                                \
    "  --no-pager        never show a long list in $PAGER\n"

#endif
