/* check.c - `moonkeep check`: what a script has, or what is wrong with it. */
#include <stdio.h>

#include "base/buf.h"
#include "base/logtext.h"
#include "bindings/script.h"
#include "cli/command.h"
#include "cli/option.h"
#include "host/config.h"

/* Everything that can be wrong with an app before it is served. */
static int load(const char *target, const char *file, struct config *config,
                struct script_listing *listing, struct error *err)
{
    *listing = (struct script_listing){0};
    int rc = config_load(target, file, config, err);

    if (rc == 0)
        rc = script_listing_load(config->main,
                                 (uint64_t)config->limits.cpu_ms * 1000000,
                                 listing, err);
    for (size_t i = 0; i < listing->class_count && rc == 0; i++)
        rc = config_check_class(config, listing->classes[i].name, err);
    return rc;
}

static void print_names(const char *what, char **names, size_t count)
{
    printf("  %-9s", what);
    for (size_t i = 0; i < count; i++)
        printf("%s%s", i == 0 ? "" : ", ", names[i]);
    printf("%s\n", count == 0 ? "none" : "");
}

static void print_text(const struct config *config,
                       const struct script_listing *listing)
{
    printf("%s\n", config->main);
    printf("router: %s\n", listing->has_fetch
                               ? "fetch of the script"
                               : "/<Class>/<name>/<rest> goes to the object");
    for (size_t i = 0; i < listing->class_count; i++) {
        const struct script_class *c = &listing->classes[i];

        printf("%s\n", c->name);
        print_names("handlers", c->handlers, c->handler_count);
        print_names("methods", c->methods, c->method_count);
    }
    if (listing->class_count == 0)
        printf("no classes\n");
}

static void json_text(struct buf *out, const char *key, const char *text)
{
    buf_printf(out, "\"%s\":", key);
    logtext_json_string(out, slice_of(text));
}

static void json_texts(struct buf *out, const char *key, char **texts,
                       size_t count)
{
    buf_printf(out, "\"%s\":[", key);
    for (size_t i = 0; i < count; i++) {
        buf_add_text(out, i == 0 ? "" : ",");
        logtext_json_string(out, slice_of(texts[i]));
    }
    buf_add_byte(out, ']');
}

static void json_class(struct buf *out, const struct script_class *c)
{
    buf_add_byte(out, '{');
    json_text(out, "name", c->name);
    buf_add_byte(out, ',');
    json_texts(out, "handlers", c->handlers, c->handler_count);
    buf_add_byte(out, ',');
    json_texts(out, "methods", c->methods, c->method_count);
    buf_add_byte(out, '}');
}

static void print_json(struct buf *json)
{
    buf_add_text(json, "}\n");
    fwrite(json->p, 1, json->n, stdout);
    buf_fini(json);
}

static void print_listing(const struct config *config,
                          const struct script_listing *listing)
{
    struct buf json = {0};

    buf_add_text(&json, "{\"ok\":true,");
    json_text(&json, "main", config->main);
    buf_printf(&json, ",\"router\":%s,\"classes\":[",
               listing->has_fetch ? "true" : "false");
    for (size_t i = 0; i < listing->class_count; i++) {
        buf_add_text(&json, i == 0 ? "" : ",");
        json_class(&json, &listing->classes[i]);
    }
    buf_add_byte(&json, ']');
    print_json(&json);
}

static void print_error(const struct error *err)
{
    struct buf json = {0};

    buf_add_text(&json, "{\"ok\":false,");
    json_text(&json, "error", err->text);
    print_json(&json);
}

enum output { OUTPUT_TEXT, OUTPUT_JSON };

static int report(const struct config *config,
                  const struct script_listing *listing, enum output output)
{
    if (output == OUTPUT_JSON)
        print_listing(config, listing);
    else
        print_text(config, listing);
    return EXIT_OK;
}

static int report_error(const struct error *err, enum output output)
{
    if (output == OUTPUT_JSON)
        print_error(err);
    else
        fprintf(stderr, "%s\n", err->text);
    return EXIT_FAILED;
}

static int check_run(const struct command *self, int argc, char **argv)
{
    const char *target = NULL;
    const char *file = NULL;
    bool json = false;
    const struct option options[] = {{"--config", &file, NULL},
                                     {"--json", NULL, &json}};
    int rc = option_parse(self, argc, argv, options, 2, &target);
    if (rc != 0)
        return rc;

    struct config config;
    struct script_listing listing;
    struct error err = {0};
    enum output output = json ? OUTPUT_JSON : OUTPUT_TEXT;

    rc = load(target, file, &config, &listing, &err);
    rc = rc == 0 ? report(&config, &listing, output)
                 : report_error(&err, output);
    script_listing_fini(&listing);
    config_fini(&config);
    return rc;
}

static const char details[] =
    "Loads the script, without serving it, and lists its classes with their\n"
    "handlers and methods; or its errors with file and line, and exit code "
    "1.\n\n"
    "  SCRIPT|DIR        as for serve; default: the current folder\n"
    "  --config FILE     the configuration; default: moonkeep.lua beside the\n"
    "                    script\n"
    "  --json            for machines: one JSON object on standard output\n\n"
    "Example:\n"
    "  moonkeep check examples/counter\n";

const struct command check_command = {
    .name = "check",
    .summary = "load a script and list its classes, or its errors",
    .usage = "check [SCRIPT|DIR] [--config FILE] [--json]",
    .details = details,
    .run = check_run,
};
