/*
 * command.h - the commands of the program: one table that main dispatches by
 * and help prints from.
 *
 * Only commands that exist are in it.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

enum exit_code { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct command {
    const char *name;
    const char *summary; /* one line, lower case, no full stop */
    const char *usage;   /* what follows "moonkeep " */
    const char *details; /* options and an example, as help prints them */
    /* Run it with what follows its name.  Returns an exit_code. */
    int (*run)(const struct command *self, int argc, char **argv);
};

/* All commands, in the order of the help; the last one is NULL. */
extern const struct command *const commands[];

/* The command called `name`, or NULL. */
const struct command *command_find(const char *name);

/* Say on standard error what is wrong with the command line, and where to
 * look: `moonkeep serve: <text>`.  Returns EXIT_USAGE. */
int command_misused(const struct command *self, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Say that there is no command `name`, and which one may be meant.  Returns
 * EXIT_USAGE. */
int command_unknown(const char *name);
/* Say on standard error why it failed: `moonkeep serve: <text>`.  Returns
 * EXIT_FAILED. */
int command_failed(const struct command *self, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Whether nobody reads standard output any more, as after `| head`: that is no
 * failure. */
bool command_reader_left(void);

/* Each is in the file that has its name (restore: backup.c, version:
 * help.c). */
extern const struct command new_command, dev_command, serve_command,
    check_command, objects_command, show_command, why_command, sql_command,
    call_command, tail_command, top_command, export_command, import_command,
    alarms_command, delete_command, backup_command, restore_command,
    verify_command, test_command, completion_command, version_command,
    help_command;

#endif
