/*
 * option.h - the command line of one command: options by name, and at most one
 * operand (SCRIPT|DIR, COMMAND).
 *
 * `--name value`, `--name=value`, `--flag`; `--` ends the options; options
 * and operand come in any order; the last one of a name counts.
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

#endif
