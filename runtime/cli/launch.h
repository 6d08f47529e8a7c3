/*
 * launch.h - what dev and serve share: their options, the configuration that
 * follows from them, and what they log about starting and failing.
 */
#ifndef CLI_LAUNCH_H
#define CLI_LAUNCH_H

#include <stdbool.h>

#include "base/err.h"
#include "base/logline.h"
#include "cli/command.h"
#include "host/config.h"
#include "host/node.h"

/* The options as given; NULL where not.  Borrowed from argv. */
struct launch {
    const char *target, *config, *listen, *data, *workers;
    bool yes; /* to every question */
};

/* Read the command line.  Returns 0 or an exit_code, after saying why. */
int launch_parse(const struct command *self, int argc, char **argv,
                 struct launch *out);
/* The configuration, with the options put over it, the history that `mode` has
 * when none is set, and what answers whether a class may be deleted: --yes, or
 * somebody at a terminal.  As config_load. */
int launch_config(const struct launch *l, enum node_mode mode,
                  struct config *out, struct error *err);

/* node_start, but ERR_BUSY where another process listens at the address. */
int launch_start(const struct config *config, enum node_mode mode,
                 struct logger *logger, struct node **out, struct error *err);

/* Log that the node serves, and where. */
void launch_log_ready(struct logger *logger, const struct config *c,
                      const struct node *n);
/* Log `err`: its first line after `prefix`, the others as the trace. */
void launch_log_error(struct logger *logger, const char *prefix,
                      const struct error *err);

/* Part of the help texts. */
#define LAUNCH_OPTIONS                                                         \
    "  SCRIPT|DIR        the main script, or a folder with a moonkeep.lua\n"   \
    "                    or main.lua in it; default: the current folder\n"     \
    "  --listen A:P      address and port; default: what moonkeep.lua says,\n" \
    "                    else 127.0.0.1:8787\n"                                \
    "  --data DIR        where objects are kept; default: what moonkeep.lua\n" \
    "                    says, else .moonkeep beside the script\n"             \
    "  --workers N       worker threads; 0 (default): one per core\n"          \
    "  --config FILE     the configuration; default: moonkeep.lua beside\n"    \
    "                    the script\n"                                         \
    "  --yes             delete the objects of the classes in `deleted` of\n"  \
    "                    the configuration without asking\n"

#endif
