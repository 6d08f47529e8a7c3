/*
 * option.h - the command line of one command: options by name, and operands
 * (SCRIPT|DIR, COMMAND, CLASS NAME).
 *
 * `--name value`, `--name=value`, `--flag`; `--` ends the options; options
 * and operand come in any order; the last one of a name counts; a negative
 * number is an operand.
 */
#ifndef CLI_OPTION_H
#define CLI_OPTION_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/command.h"

/* One option: exactly one of `value` and `flag` is not NULL. */
struct option {
    const char *name;   /* "--listen" */
    const char **value; /* gets what follows; borrowed from argv */
    bool *flag;         /* gets true */
};

/* Read the arguments.  `operand` gets the one that is no option; NULL: none is
 * allowed.  Returns 0, or EXIT_USAGE after saying what is wrong. */
int option_parse(const struct command *self, int argc, char **argv,
                 const struct option *options, size_t count,
                 const char **operand);

/* Options, and operands: up to `most` are put into `operands`. */
struct option_terms {
    const struct option *options;
    size_t count;
    const char **operands;
    size_t most;
};

/* The same with several operands; `*operand_count` gets how many there are. */
int option_parse_words(const struct command *self, int argc, char **argv,
                       const struct option_terms *terms, size_t *operand_count);

#endif
