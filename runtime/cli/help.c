/* help.c - what the program says about itself: help and version. */
#include <stdio.h>

#include "base/version.h"
#include "cli/command.h"
#include "cli/help.h"
#include "cli/option.h"

void help_overview(FILE *out)
{
    fprintf(out,
            "Moonkeep %s: a runtime for durable objects written in "
            "Lua.\n\nusage: moonkeep COMMAND [ARGUMENT...]\n\n",
            VERSION);
    for (const struct command *c = commands; c->name != NULL; c++)
        fprintf(out, "  %-9s %s\n", c->name, c->summary);
    fprintf(out, "\n'moonkeep help COMMAND' tells its options, with an "
                 "example.\nExit codes: 0 success, 1 failure, 2 wrong "
                 "usage.\n");
}

void help_command(const struct command *command, FILE *out)
{
    fprintf(out, "usage: moonkeep %s\n\n%s", command->usage, command->details);
}

int help_run(const struct command *self, int argc, char **argv)
{
    const char *name = NULL;
    int rc = option_parse(self, argc, argv, NULL, 0, &name);

    if (rc != 0)
        return rc;
    if (name == NULL) {
        help_overview(stdout);
        return EXIT_OK;
    }
    const struct command *command = command_find(name);
    if (command == NULL)
        return command_unknown(name);
    help_command(command, stdout);
    return EXIT_OK;
}

int version_run(const struct command *self, int argc, char **argv)
{
    int rc = option_parse(self, argc, argv, NULL, 0, NULL);

    if (rc == 0)
        printf("moonkeep %s\n", VERSION);
    return rc;
}
