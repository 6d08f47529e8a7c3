#include "cli/command.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/nearest.h"

const struct command *const commands[] = {
    &new_command,
    &dev_command,
    &serve_command,
    &check_command,
    &test_command,
    &objects_command,
    &show_command,
    &why_command,
    &sql_command,
    &call_command,
    &tail_command,
    &top_command,
    &export_command,
    &import_command,
    &alarms_command,
    &delete_command,
    &backup_command,
    &restore_command,
    &verify_command,
    &completion_command,
    &version_command,
    &help_command,
    NULL,
};

enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]) - 1 };

const struct command *command_find(const char *name)
{
    for (const struct command *const *c = commands; *c != NULL; c++) {
        if (strcmp((*c)->name, name) == 0)
            return *c;
    }
    return NULL;
}

static void say(const struct command *self, const char *format, va_list args)
{
    fprintf(stderr, "moonkeep %s: ", self->name);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
}

int command_misused(const struct command *self, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(self, format, args);
    va_end(args);
    fprintf(stderr, "usage: moonkeep %s\ntry 'moonkeep help %s'\n", self->usage,
            self->name);
    return EXIT_USAGE;
}

int command_failed(const struct command *self, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(self, format, args);
    va_end(args);
    return EXIT_FAILED;
}

int command_unknown(const char *name)
{
    const char *names[COMMAND_COUNT];

    for (size_t i = 0; i < COMMAND_COUNT; i++)
        names[i] = commands[i]->name;
    const char *meant = nearest_word(name, names, COMMAND_COUNT);

    fprintf(stderr, "moonkeep: unknown command '%s'", name);
    if (meant != NULL)
        fprintf(stderr, "; did you mean '%s'?", meant);
    fprintf(stderr, "\ntry 'moonkeep help'\n");
    return EXIT_USAGE;
}

bool command_reader_left(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO};

    return poll(&out, 1, 0) > 0 && (out.revents & (POLLERR | POLLHUP)) != 0;
}
