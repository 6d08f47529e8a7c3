#include "cli/command.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "cli/ask.h"

#define SERVER_OPTIONS                                                         \
    "  SCRIPT|DIR        the main script, or a folder with a moonkeep.lua "    \
    "or\n"                                                                     \
    "                    main.lua in it; default: the current folder\n"        \
    "  --listen A:P      address and port; default: what moonkeep.lua says,\n" \
    "                    else 127.0.0.1:8787\n"                                \
    "  --data DIR        where objects are kept; default: what moonkeep.lua\n" \
    "                    says, else .moonkeep beside the script\n"             \
    "  --workers N       worker threads; 0 (default): one per core\n"          \
    "  --config FILE     the configuration; default: moonkeep.lua beside "     \
    "the\n"                                                                    \
    "                    script\n"                                             \
    "  --yes             delete the objects of the classes in `deleted` of "   \
    "the\n"                                                                    \
    "                    configuration without asking\n"

#define DEV_DETAILS                                                            \
    "Serves an app while you write it.  A change of a script takes effect "    \
    "at\n"                                                                     \
    "once, and sockets and storage stay; a change of moonkeep.lua starts "     \
    "the\n"                                                                    \
    "server again.  Code that does not load is reported with file and line,\n" \
    "and the version before goes on.  Logs are made for reading; errors of "   \
    "the\n"                                                                    \
    "router are shown to the client as well.\n\n" SERVER_OPTIONS "\n"          \
    "Example:\n"                                                               \
    "  moonkeep dev examples/counter\n"                                        \
    "  curl http://127.0.0.1:8787\n"

#define SERVE_DETAILS                                                          \
    "Serves an app in production.  The log is JSON, one object a line, on\n"   \
    "standard error.  SIGTERM or SIGINT: no new connections, requests in\n"    \
    "flight finish within limits.drain_ms, everything is committed, exit "     \
    "code\n"                                                                   \
    "0; a second one ends at once.  SIGHUP loads the script "                  \
    "anew.\n\n" SERVER_OPTIONS "\n"                                            \
    "Example:\n"                                                               \
    "  moonkeep serve app --listen 0.0.0.0:80 --data /var/lib/app\n"

#define CHECK_DETAILS                                                          \
    "Loads the script, without serving it, and lists its classes with their\n" \
    "handlers and methods; or its errors with file and line, and exit code "   \
    "1.\n\n"                                                                   \
    "  SCRIPT|DIR        as for serve; default: the current folder\n"          \
    "  --config FILE     the configuration; default: moonkeep.lua beside "     \
    "the\n"                                                                    \
    "                    script\n"                                             \
    "  --json            for machines: one JSON object on standard output\n\n" \
    "Example:\n"                                                               \
    "  moonkeep check examples/counter\n"

#define ABOUT_DATA                                                             \
    "\n\nA running server is asked through the socket in its data folder; "    \
    "when\n"                                                                   \
    "none runs, the data is opened directly.\n\n"

#define OBJECT_OPTIONS                                                         \
    "  CLASS NAME        the object; 64 hex digits are taken for its id when " \
    "no\n"                                                                     \
    "                    object has that name\n"                               \
    "  --id HEX          its id, instead of its name\n"

#define OBJECTS_DETAILS                                                        \
    "Lists every object that has storage, by class and name: size, state, "    \
    "next\n"                                                                   \
    "alarm, and when it last had something to do." ABOUT_DATA                  \
    "  CLASS             only those of this class\n"                           \
    "  --prefix P        only those whose names begin so\n"                    \
    "  --after NAME      only those behind this name\n"                        \
    "  --limit N         so many at most\n" ASK_LIST_OPTIONS "\n"              \
    "Example:\n"                                                               \
    "  moonkeep objects Room --prefix berlin-\n"

#define SHOW_DETAILS                                                           \
    "Shows what one object has: state, size, keys, tables, alarms, sockets.\n" \
    "It is not woken." ABOUT_DATA OBJECT_OPTIONS ASK_LIST_OPTIONS "\n"         \
    "Example:\n"                                                               \
    "  moonkeep show Room lobby\n"

#define ALARMS_DETAILS                                                         \
    "Lists the alarms that are set, the next one first, or those that were\n"  \
    "given up after all retries." ABOUT_DATA                                   \
    "  CLASS             only those of this class\n"                           \
    "  --dead            those that were given up, with the last "             \
    "error\n" ASK_LIST_OPTIONS "\n"                                            \
    "Example:\n"                                                               \
    "  moonkeep alarms Reminder --dead\n"

#define DELETE_DETAILS                                                         \
    "Deletes all that an object has stored, with its alarms, and cuts its\n"   \
    "sockets; calls to it that are under way fail.  Cannot be undone. "        \
    " " ABOUT_DATA OBJECT_OPTIONS                                              \
    "  --yes             without asking\n" ASK_OPTIONS "\n"                    \
    "Example:\n"                                                               \
    "  moonkeep delete Room lobby --yes\n"

#define VERIFY_DETAILS                                                         \
    "Checks every object's database, the log, and the directory of objects\n"  \
    "against them.  Says what is wrong and the way out, with exit code 1.\n"   \
    "The log of a running server is left out: it is checked at each "          \
    "start.\n\n"                                                               \
    "  --rebuild         make the directory of objects anew from the "         \
    "objects'\n"                                                               \
    "                    files; the server must be stopped\n" ASK_OPTIONS "\n" \
    "Example:\n"                                                               \
    "  moonkeep verify --data /var/lib/app\n"

#define VERSION_DETAILS                                                        \
    "Prints the version of this program.\n\n"                                  \
    "Example:\n"                                                               \
    "  moonkeep version\n"

#define HELP_DETAILS                                                           \
    "Prints the commands, or what COMMAND does, its options and an "           \
    "example.\n\n"                                                             \
    "Example:\n"                                                               \
    "  moonkeep help serve\n"

const struct command commands[] = {
    {"dev", "serve an app for development, reload on change",
     "dev [SCRIPT|DIR] [OPTION...]", DEV_DETAILS, dev_run},
    {"serve", "serve an app in production", "serve [SCRIPT|DIR] [OPTION...]",
     SERVE_DETAILS, serve_run},
    {"check", "load a script and list its classes, or its errors",
     "check [SCRIPT|DIR] [--config FILE] [--json]", CHECK_DETAILS, check_run},
    {"objects", "list the objects that have storage",
     "objects [CLASS] [--prefix P] [--after NAME] [OPTION...]", OBJECTS_DETAILS,
     objects_run},
    {"show", "show what one object has", "show CLASS NAME [OPTION...]",
     SHOW_DETAILS, show_run},
    {"alarms", "list the alarms that are set, or that failed",
     "alarms [CLASS] [--dead] [OPTION...]", ALARMS_DETAILS, alarms_run},
    {"delete", "delete one object, all of it",
     "delete CLASS NAME [--yes] [OPTION...]", DELETE_DETAILS, delete_run},
    {"verify", "check that the data is whole",
     "verify [--data DIR] [--rebuild] [OPTION...]", VERIFY_DETAILS, verify_run},
    {"version", "print the version", "version", VERSION_DETAILS, version_run},
    {"help", "explain the commands, or one of them", "help [COMMAND]",
     HELP_DETAILS, help_run},
    {NULL, NULL, NULL, NULL, NULL},
};

enum { COMMAND_COUNT = sizeof(commands) / sizeof(*commands) - 1 };

const struct command *command_find(const char *name)
{
    for (const struct command *c = commands; c->name != NULL; c++) {
        if (strcmp(c->name, name) == 0)
            return c;
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
        names[i] = commands[i].name;
    const char *meant = nearest_word(name, names, COMMAND_COUNT);

    fprintf(stderr, "moonkeep: unknown command '%s'", name);
    if (meant != NULL)
        fprintf(stderr, "; did you mean '%s'?", meant);
    fprintf(stderr, "\ntry 'moonkeep help'\n");
    return EXIT_USAGE;
}
