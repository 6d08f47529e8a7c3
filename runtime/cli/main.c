/* main.c - the program: set the process up, run the command. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "cli/command.h"
#include "cli/help.h"

/* Every connection is a file descriptor, and the usual soft limit of 1,024 is
 * there for programs that use select. */
static void raise_file_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static int is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* Whether help is asked for before a `--`. */
static int asks_for_help(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (is_help(argv[i]))
            return 1;
    }
    return 0;
}

static int run(const struct command *command, int argc, char **argv)
{
    if (!asks_for_help(argc, argv))
        return command->run(command, argc, argv);
    help_of(command, stdout);
    return EXIT_OK;
}

static int dispatch(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "moonkeep: a command is missing\n\n");
        help_overview(stderr);
        return EXIT_USAGE;
    }
    const char *name = argv[1];
    if (is_help(name))
        name = "help";
    if (strcmp(name, "--version") == 0 || strcmp(name, "-v") == 0)
        name = "version";

    const struct command *command = command_find(name);
    return command == NULL ? command_unknown(name)
                           : run(command, argc - 2, argv + 2);
}

/* What could not be written out is a failure: `moonkeep check --json >file` on
 * a full disk. */
static int flush(int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    perror("moonkeep: standard output");
    return code == EXIT_OK ? EXIT_FAILED : code;
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    raise_file_limit();
    return flush(dispatch(argc, argv));
}
