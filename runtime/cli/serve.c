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
    signals_restore(); /* a second signal ends the process at once */
    logger_printf(logger, LOG_INFO, "stopping");
    node_stop(node);
    node_free(node);
    logger_printf(logger, LOG_INFO, "stopped");
    return EXIT_OK;
}

int serve_run(const struct command *self, int argc, char **argv)
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
            logger_new(STDERR_FILENO, LOG_JSON, LOG_INFO, clock_system());
        rc = serve(&config, logger);
        logger_free(logger);
    }
    config_fini(&config);
    return rc;
}
