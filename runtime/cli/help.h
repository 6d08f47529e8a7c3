/* help.h - the texts that explain the commands. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include <stdio.h>

#include "cli/command.h"

/* All commands, a line each. */
void help_overview(FILE *out);
/* One command: usage, what it does, options, example. */
void help_of(const struct command *command, FILE *out);

#endif
