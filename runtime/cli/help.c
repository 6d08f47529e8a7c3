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
    for (const struct command *const *c = commands; *c != NULL; c++)
        fprintf(out, "  %-10s %s\n", (*c)->name, (*c)->summary);
    fprintf(out, "\n'moonkeep help COMMAND' tells its options, with an "
                 "example.\nExit codes: 0 success, 1 failure, 2 wrong "
                 "usage.\n");
}

void help_of(const struct command *command, FILE *out)
{
    fprintf(out, "usage: moonkeep %s\n\n%s", command->usage, command->details);
}

static int help_run(const struct command *self, int argc, char **argv)
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
    help_of(command, stdout);
    return EXIT_OK;
}

static int version_run(const struct command *self, int argc, char **argv)
{
    int rc = option_parse(self, argc, argv, NULL, 0, NULL);

    if (rc == 0)
        printf("moonkeep %s\n", VERSION);
    return rc;
}

static const char version_details[] = "Prints the version of this program.\n\n"
                                      "Example:\n"
                                      "  moonkeep version\n";

const struct command version_command = {
    .name = "version",
    .summary = "print the version",
    .usage = "version",
    .details = version_details,
    .run = version_run,
};

static const char details[] =
    "Prints the commands, or what COMMAND does, its options and an example.\n\n"
    "Example:\n"
    "  moonkeep help serve\n";

const struct command help_command = {
    .name = "help",
    .summary = "explain the commands, or one of them",
    .usage = "help [COMMAND]",
    .details = details,
    .run = help_run,
};
