#include "cli/launch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/option.h"
#include "cli/scraps.h"
#include "cli/signals.h"
#include "host/address.h"

enum { WORKERS_MAX = 1024 };

static int check_workers(const struct command *self, const char *text)
{
    char *end = NULL;

    if (text == NULL)
        return 0;
    long n = strtol(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || n > WORKERS_MAX)
        return command_misused(
            self, "--workers: an integer from 0 to %d expected, got '%s'",
            WORKERS_MAX, text);
    return 0;
}

static int check_listen(const struct command *self, const char *text)
{
    struct config scratch = {0};
    struct error err;

    if (text == NULL)
        return 0;
    int rc = config_set_listen(&scratch, text, &err);
    config_fini(&scratch);
    return rc == 0 ? 0 : command_misused(self, "--listen: %s", err.text);
}

int launch_parse(const struct command *self, int argc, char **argv,
                 struct launch *out)
{
    const struct option options[] = {
        {"--listen", &out->listen, NULL},   {"--data", &out->data, NULL},
        {"--workers", &out->workers, NULL}, {"--config", &out->config, NULL},
        {"--yes", NULL, &out->yes},
    };

    *out = (struct launch){0};
    int rc = option_parse(self, argc, argv, options,
                          sizeof(options) / sizeof(*options), &out->target);
    if (rc == 0)
        rc = check_workers(self, out->workers);
    if (rc == 0)
        rc = check_listen(self, out->listen);
    return rc;
}

static bool consent(const char *class_name)
{
    (void)class_name;
    return true;
}

/* Signals are blocked; while the question stands they end the process. */
static bool ask(const char *class_name)
{
    char answer[16] = "";

    fprintf(stderr, "delete all objects of class %s? [y/N] ", class_name);
    fflush(stderr);
    signals_restore();
    if (fgets(answer, sizeof(answer), stdin) == NULL)
        fputc('\n', stderr);
    signals_block();
    return strcmp(answer, "y\n") == 0 || strcmp(answer, "Y\n") == 0 ||
           strcmp(answer, "yes\n") == 0;
}

int launch_config(const struct launch *l, enum node_mode mode,
                  struct config *out, struct error *err)
{
    int rc = config_load(l->target, l->config, out, err);

    if (rc == 0 && l->listen != NULL)
        rc = config_set_listen(out, l->listen, err);
    if (rc != 0)
        return rc;
    if (l->data != NULL) {
        free(out->data);
        out->data = mem_dup(l->data, strlen(l->data));
    }
    if (l->yes)
        out->may_delete = consent;
    else if (isatty(STDIN_FILENO))
        out->may_delete = ask;
    if (l->workers != NULL)
        out->workers = atoi(l->workers);
    if (out->history_days == HISTORY_UNSET)
        out->history_days = mode == NODE_DEV ? 0 : HISTORY_DAYS;
    return 0;
}

/* The system chooses one, another for each. */
static bool has_port_0(const char *address)
{
    return strcmp(strrchr(address, ':'), ":0") == 0;
}

int launch_start(const struct config *config, enum node_mode mode,
                 struct logger *logger, struct node **out, struct error *err)
{
    int rc = address_check_free(config->listen, err);

    *out = NULL;
    if (rc == 0 && config->admin != NULL)
        rc = address_check_free(config->admin, err);
    if (rc == 0 && config->admin != NULL && !has_port_0(config->admin) &&
        strcmp(config->admin, config->listen) == 0)
        rc = error_set(err, ERR_INVALID,
                       "admin: an address of its own expected, got %s, where "
                       "the server listens",
                       config->admin);
    if (rc != 0)
        return rc;
    scraps_sweep(config->data);
    return node_start(config, mode, logger, out, err);
}

/* What a browser on this machine can open: "every address" is none. */
static void format_url(char *out, size_t n, const char *listen, int port)
{
    const char *colon = strrchr(listen, ':');
    int host = (int)(colon - listen);

    if (strncmp(listen, "0.0.0.0:", 8) == 0)
        snprintf(out, n, "http://127.0.0.1:%d", port);
    else if (strncmp(listen, "[::]:", 5) == 0)
        snprintf(out, n, "http://[::1]:%d", port);
    else
        snprintf(out, n, "http://%.*s:%d", host, listen, port);
}

void launch_log_ready(struct logger *logger, const struct config *c,
                      const struct node *n)
{
    char url[96];

    format_url(url, sizeof(url), c->listen, node_port(n));
    logger_printf(logger, LOG_INFO, "ready at %s (%s, data in %s)", url,
                  c->main, c->data);
    if (c->admin == NULL)
        return;
    format_url(url, sizeof(url), c->admin, node_admin_port(n));
    logger_printf(logger, LOG_INFO, "console at %s%s", url,
                  c->admin_token == NULL ? "" : " (asks for the token)");
}

void launch_log_error(struct logger *logger, const char *prefix,
                      const struct error *err)
{
    size_t first = strcspn(err->text, "\n");
    char message[ERROR_TEXT_MAX + 64];

    snprintf(message, sizeof(message), "%s%.*s", prefix, (int)first, err->text);
    logger_write(logger,
                 &(struct log_line){
                     .level = LOG_ERROR,
                     .message = slice_of(message),
                     .trace = slice_of(
                         err->text[first] == '\n' ? err->text + first + 1 : ""),
                 });
}
