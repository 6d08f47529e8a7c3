/* check.c - `moonkeep check`: what a script has, or what is wrong with it. */
#include <stdio.h>

#include "base/buf.h"
#include "base/logtext.h"
#include "bindings/script.h"
#include "cli/annotations.h"
#include "cli/command.h"
#include "cli/lint.h"
#include "cli/option.h"
#include "host/classes.h"
#include "host/config.h"

/* What there is to say of an app. */
struct findings {
    struct config config;
    struct script_listing listing;
    struct lint lint;
};

/* Everything that can be wrong with an app before it is served. */
static int load(const char *target, const char *file, struct findings *f,
                struct error *err)
{
    *f = (struct findings){0};
    int rc = config_load(target, file, &f->config, err);

    if (rc == 0)
        rc = script_listing_load(f->config.main,
                                 (uint64_t)f->config.limits.cpu_ms * 1000000,
                                 &f->listing, err);
    if (rc == 0)
        rc = classes_check(&f->config, &f->listing, err);
    if (rc == 0)
        rc = lint_run(f->config.main, &f->listing, &f->lint, err);
    return rc;
}

static void unload(struct findings *f)
{
    lint_fini(&f->lint);
    script_listing_fini(&f->listing);
    config_fini(&f->config);
}

static void print_names(const char *what, char **names, size_t count)
{
    printf("  %-9s", what);
    for (size_t i = 0; i < count; i++)
        printf("%s%s", i == 0 ? "" : ", ", names[i]);
    printf("%s\n", count == 0 ? "none" : "");
}

static void print_text(const struct findings *f)
{
    const struct script_listing *listing = &f->listing;

    printf("%s\n", f->config.main);
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
    for (size_t i = 0; i < f->lint.count; i++) {
        const struct lint_warning *w = &f->lint.warnings[i];

        printf("%s:%ld: warning: %s\n", w->file, w->line, w->text);
    }
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

static void json_warning(struct buf *out, const struct lint_warning *w)
{
    buf_add_byte(out, '{');
    json_text(out, "file", w->file);
    buf_printf(out, ",\"line\":%ld,", w->line);
    json_text(out, "text", w->text);
    buf_add_byte(out, '}');
}

static void print_json(struct buf *json)
{
    buf_add_text(json, "}\n");
    fwrite(json->p, 1, json->n, stdout);
    buf_fini(json);
}

static void print_listing(const struct findings *f)
{
    struct buf json = {0};

    buf_add_text(&json, "{\"ok\":true,");
    json_text(&json, "main", f->config.main);
    buf_printf(&json, ",\"router\":%s,\"classes\":[",
               f->listing.has_fetch ? "true" : "false");
    for (size_t i = 0; i < f->listing.class_count; i++) {
        buf_add_text(&json, i == 0 ? "" : ",");
        json_class(&json, &f->listing.classes[i]);
    }
    buf_add_text(&json, "],\"warnings\":[");
    for (size_t i = 0; i < f->lint.count; i++) {
        buf_add_text(&json, i == 0 ? "" : ",");
        json_warning(&json, &f->lint.warnings[i]);
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

static int report(const struct findings *f, enum output output, bool strict)
{
    if (output == OUTPUT_JSON)
        print_listing(f);
    else
        print_text(f);
    return strict && f->lint.count != 0 ? EXIT_FAILED : EXIT_OK;
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
    const char *folder = NULL;
    bool json = false;
    bool strict = false;
    const struct option options[] = {{"--config", &file, NULL},
                                     {"--annotations", &folder, NULL},
                                     {"--json", NULL, &json},
                                     {"--strict", NULL, &strict}};
    int rc = option_parse(self, argc, argv, options, 4, &target);
    if (rc != 0)
        return rc;

    struct findings f;
    struct error err = {0};
    enum output output = json ? OUTPUT_JSON : OUTPUT_TEXT;

    if (folder != NULL && annotations_write(folder, &err) != 0)
        return report_error(&err, output);
    rc = load(target, file, &f, &err);
    rc = rc == 0 ? report(&f, output, strict) : report_error(&err, output);
    unload(&f);
    return rc;
}

static const char details[] =
    "Loads the script, without serving it, and lists its classes with their\n"
    "handlers and methods; or its errors with file and line, and exit code "
    "1.\n"
    "Then what is probably wrong in its files, as warnings: handlers that are\n"
    "none (webSocketmessage), globals, classes and methods that are not "
    "there.\n\n"
    "  SCRIPT|DIR        as for serve; default: the current folder\n"
    "  --config FILE     the configuration; default: moonkeep.lua beside the\n"
    "                    script\n"
    "  --strict          exit code 1 when there are warnings\n"
    "  --annotations DIR also write what editors need to know of the API into\n"
    "                    DIR, for the Lua language server\n"
    "  --json            for machines: one JSON object on standard output\n\n"
    "Example:\n"
    "  moonkeep check examples/counter --strict\n";

const struct command check_command = {
    .name = "check",
    .summary = "load a script and list its classes, or its errors",
    .usage = "check [SCRIPT|DIR] [--strict] [OPTION...]",
    .details = details,
    .run = check_run,
};
