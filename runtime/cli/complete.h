/*
 * complete.h - what shells need to know of the commands, read off their help:
 * nothing is said twice.
 *
 *   usage    "show CLASS NAME [OPTION...]", "new DIR [--template a|b]"
 *   details  "  --data DIR        the data folder; default: ..."
 */
#ifndef CLI_COMPLETE_H
#define CLI_COMPLETE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/slice.h"
#include "cli/command.h"

enum complete_kind {
    COMPLETE_NOTHING, /* that is known */
    COMPLETE_CLASS,
    COMPLETE_NAME, /* of an object of that class */
    COMPLETE_FILE,
    COMPLETE_COMMAND,
    COMPLETE_WORDS
};

/* All slices are borrowed from the command. */
struct complete_operand {
    enum complete_kind kind;
    struct slice title; /* "CLASS" */
    struct slice words; /* WORDS: "bash|zsh" */
};

struct complete_option {
    struct slice name;  /* "--data" */
    struct slice title; /* of its value: "DIR"; empty: it takes none */
    enum complete_kind kind;
    struct slice words;
    struct slice text; /* what it does, up to a semicolon; with newlines */
};

/* Call each(arg, ...) for all, in their order. */
void complete_operands(const struct command *c,
                       void (*each)(void *arg,
                                    const struct complete_operand *o),
                       void *arg);
void complete_options(const struct command *c,
                      void (*each)(void *arg, const struct complete_option *o),
                      void *arg);

/* The scripts (complete_bash.c, complete_zsh.c). */
void complete_bash(struct buf *out);
void complete_zsh(struct buf *out);
/* Append `text` for use within single quotes of a shell. */
void complete_quote(struct buf *out, struct slice text);

#endif
