/*
 * dev.c - `moonkeep dev`: an app while it is written.
 *
 *   no node (the script does not load) --a file changes--> try again
 *   node --a script changes--> reload; on an error the old one goes on
 *   node --moonkeep.lua changes--> stop it, start a new one
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/command.h"
#include "cli/launch.h"
#include "cli/signals.h"
#include "host/watch.h"

enum {
    POLL_MS = 200,
    SETTLE_MS = 40,   /* an editor may write a file in several steps */
    SETTLE_TURNS = 25 /* a file that never rests is taken as it is */
};

struct dev {
    struct launch launch;
    struct config config;
    struct logger *logger;
    struct node *node; /* NULL while the script does not load */
    struct watch *scripts, *settings;
};

/* The configuration file, or where one would be looked for; owned. */
static char *settings_path(const struct config *c)
{
    struct buf path = {0};

    if (c->file != NULL)
        return mem_dup(c->file, strlen(c->file));
    buf_printf(&path, "%s/moonkeep.lua", c->folder);
    buf_add_byte(&path, '\0');
    return path.p;
}

/* Watch what the configuration says: before the script is loaded, so that what
 * changes meanwhile is seen. */
static void watch_app(struct dev *d)
{
    char *settings = settings_path(&d->config);
    const char *main_path = d->config.main;
    const char *slash = strrchr(main_path, '/');
    char *folder = slash == NULL
                       ? mem_dup(".", 1)
                       : mem_dup(main_path, (size_t)(slash - main_path));

    watch_free(d->scripts);
    watch_free(d->settings);
    d->scripts = watch_new();
    d->settings = watch_new();
    watch_file(d->settings, settings);
    watch_skip(d->scripts, d->config.data);
    watch_file(d->scripts, main_path);
    watch_folder(d->scripts, folder[0] == '\0' ? "/" : folder);
    free(settings);
    free(folder);
}

static void watch_script(void *arg, const char *path)
{
    watch_file(arg, path);
}

/* Watch what the node loaded, too, wherever it is. */
static void watch_loaded(struct dev *d)
{
    node_files(d->node, watch_script, d->scripts);
}

/* Whether the failure may go away when the script changes: it does not load,
 * or does not fit the configuration or the data. */
static bool is_of_script(int rc)
{
    return rc == ERR_LUA || rc == ERR_NOT_FOUND || rc == ERR_INVALID ||
           rc == ERR_EXISTS;
}

/* Start the node; when the script does not load, there is none and 0 is
 * returned all the same. */
static int start(struct dev *d)
{
    struct error err = {0};
    int rc = launch_start(&d->config, NODE_DEV, d->logger, &d->node, &err);

    if (rc == 0) {
        watch_loaded(d);
        launch_log_ready(d->logger, &d->config, d->node);
        return 0;
    }
    d->node = NULL;
    launch_log_error(d->logger, "", &err);
    if (!is_of_script(rc))
        return rc;
    logger_printf(d->logger, LOG_INFO, "waiting for a change");
    return 0;
}

static void stop(struct dev *d)
{
    if (d->node == NULL)
        return;
    node_stop(d->node, NODE_ORDERLY);
    node_free(d->node);
    d->node = NULL;
}

static void settle(struct watch *w)
{
    for (int i = 0; i < SETTLE_TURNS; i++) {
        usleep(SETTLE_MS * 1000);
        if (watch_changed(w) == NULL)
            return;
    }
}

static const char *shown(const char *path)
{
    return strncmp(path, "./", 2) == 0 ? path + 2 : path;
}

static int on_script(struct dev *d, const char *changed)
{
    char *path = mem_dup(changed, strlen(changed));
    struct error err = {0};
    int rc = 0;

    settle(d->scripts);
    if (d->node == NULL) {
        rc = start(d);
    } else if (node_reload(d->node, &err) == 0) {
        watch_loaded(d);
        logger_printf(d->logger, LOG_INFO, "reloaded: %s changed", shown(path));
    } else {
        launch_log_error(d->logger, "", &err);
        logger_printf(d->logger, LOG_WARN,
                      "not reloaded; the version before goes on");
    }
    free(path);
    return rc;
}

static int on_settings(struct dev *d)
{
    struct config fresh;
    struct error err = {0};

    settle(d->settings);
    if (launch_config(&d->launch, NODE_DEV, &fresh, &err) != 0) {
        launch_log_error(d->logger, "", &err);
        logger_printf(d->logger, LOG_WARN,
                      "configuration not taken; the one before goes on");
        config_fini(&fresh);
        return 0;
    }
    logger_printf(d->logger, LOG_INFO, "configuration changed: starting anew");
    stop(d);
    config_fini(&d->config);
    d->config = fresh;
    watch_app(d);
    return start(d);
}

static bool is_end(int number)
{
    return number == SIGTERM || number == SIGINT ||
           (number == SIGHUP && !signals_hangup_ignored());
}

/* Until told to end, or until a node does not start for a reason that no
 * change of the script can mend. */
static int attend(struct dev *d)
{
    watch_app(d);
    int rc = start(d);

    while (rc == 0 && !is_end(signals_wait(POLL_MS))) {
        const char *changed = NULL;

        if (watch_changed(d->settings) != NULL)
            rc = on_settings(d);
        else if ((changed = watch_changed(d->scripts)) != NULL)
            rc = on_script(d, changed);
    }
    signals_restore(); /* a second signal ends the process at once */
    stop(d);
    return rc == 0 ? EXIT_OK : EXIT_FAILED;
}

static int dev_run(const struct command *self, int argc, char **argv)
{
    struct dev d = {0};
    struct error err = {0};
    int rc = launch_parse(self, argc, argv, &d.launch);

    if (rc != 0)
        return rc;
    if (launch_config(&d.launch, NODE_DEV, &d.config, &err) != 0) {
        rc = command_failed(self, "%s", err.text);
    } else {
        signals_block();
        d.logger =
            logger_new(STDERR_FILENO, LOG_READABLE, LOG_DEBUG, clock_system());
        rc = attend(&d);
        logger_free(d.logger);
    }
    watch_free(d.scripts);
    watch_free(d.settings);
    config_fini(&d.config);
    return rc;
}

static const char details[] =
    "Serves an app while you write it.  A change of a script takes effect at\n"
    "once, and sockets and storage stay; a change of moonkeep.lua starts the\n"
    "server again.  Code that does not load is reported with file and line,\n"
    "and the version before goes on.  Logs are made for reading; errors of\n"
    "the router are shown to the client as well.\n\n" LAUNCH_OPTIONS "\n"
    "Example:\n"
    "  moonkeep dev examples/counter\n"
    "  curl http://127.0.0.1:8787\n";

const struct command dev_command = {
    .name = "dev",
    .summary = "serve an app for development, reload on change",
    .usage = "dev [SCRIPT|DIR] [OPTION...]",
    .details = details,
    .run = dev_run,
};
