/* serve.c - `moonkeep serve`: an app in production. */
#include <signal.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/launch.h"
#include "cli/signals.h"

static void reload(struct node *node, struct logger *logger)
{
    struct error err = {0};

    if (node_reload(node, &err) == 0)
        logger_printf(logger, LOG_INFO, "script reloaded");
    else
        launch_log_error(logger, "script not reloaded: ", &err);
}

/* Serve until told to end. */
static void attend(struct node *node, struct logger *logger)
{
    while (signals_wait(-1) == SIGHUP)
        reload(node, logger);
}

static int serve(const struct config *config, struct logger *logger)
{
    struct node *node = NULL;
    struct error err = {0};

    if (launch_start(config, NODE_SERVE, logger, &node, &err) != 0) {
        launch_log_error(logger, "", &err);
        return EXIT_FAILED;
    }
    launch_log_ready(logger, config, node);
    attend(node, logger);
    signal(SIGHUP, SIG_IGN); /* there is nothing to load anew */
    signals_restore();       /* a second signal ends the process at once */
    logger_printf(logger, LOG_INFO, "stopping");
    node_stop(node, NODE_ORDERLY);
    node_free(node);
    logger_printf(logger, LOG_INFO, "stopped");
    return EXIT_OK;
}

static int serve_run(const struct command *self, int argc, char **argv)
{
    struct launch launch;
    struct config config;
    struct error err = {0};
    int rc = launch_parse(self, argc, argv, &launch);

    if (rc != 0)
        return rc;
    if (launch_config(&launch, NODE_SERVE, &config, &err) != 0) {
        rc = command_failed(self, "%s", err.text);
    } else {
        signals_block();
        struct logger *logger =
            logger_new(STDERR_FILENO, LOG_JSON, LOG_DEBUG, clock_system());
        rc = serve(&config, logger);
        logger_free(logger);
    }
    config_fini(&config);
    return rc;
}

static const char details[] =
    "Serves an app in production.  The log is JSON, one object a line, on\n"
    "standard error.  SIGTERM or SIGINT: no new connections, requests in\n"
    "flight finish within limits.drain_ms, everything is committed, exit code\n"
    "0; a second one ends at once.  SIGHUP loads the script "
    "anew.\n\n"
    "Connections: limits.connections at a time, or what the hard limit on\n"
    "descriptors leaves for them (ulimit -Hn); others wait.\n\n" LAUNCH_OPTIONS
    "\n"
    "Example:\n"
    "  moonkeep serve app --listen 0.0.0.0:80 --data /var/lib/app\n";

const struct command serve_command = {
    .name = "serve",
    .summary = "serve an app in production",
    .usage = "serve [SCRIPT|DIR] [OPTION...]",
    .details = details,
    .run = serve_run,
};
