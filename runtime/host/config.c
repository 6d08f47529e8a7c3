#include "host/config.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "host/address.h"
#include "host/config_keys.h"
#include "vm/datatable.h"

#define CONFIG_NAME "moonkeep.lua"
#define OVER_NAME   "start"

static char *dup_text(const char *text)
{
    return mem_dup(text, strlen(text));
}

static bool is_folder(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool is_file(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && !S_ISDIR(st.st_mode);
}

/* `folder`/`name`, owned; just `name` for the current folder. */
static char *join(const char *folder, const char *name)
{
    char *path = NULL;
    size_t n = strlen(folder);
    bool has_slash = n != 0 && folder[n - 1] == '/';

    if (strcmp(folder, ".") == 0)
        return dup_text(name);
    if (asprintf(&path, "%s%s%s", folder, has_slash ? "" : "/", name) < 0)
        abort();
    return path;
}

/* The folder that `path` is in, owned: "." for the current one. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        return dup_text(".");
    return slash == path ? dup_text("/")
                         : mem_dup(path, (size_t)(slash - path));
}

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

/* `path` without slashes at its end, owned. */
static char *trim_slashes(const char *path)
{
    size_t n = strlen(path);

    while (n > 1 && path[n - 1] == '/')
        n--;
    return mem_dup(path, n);
}

/* From the real name of the folder, so that "." has one. */
static char *app_name(const char *folder)
{
    char real[PATH_MAX];

    if (realpath(folder, real) == NULL || strcmp(real, "/") == 0)
        return dup_text("app");
    return dup_text(base_of(real));
}

static void set_defaults(struct config *c)
{
    *c = (struct config){
        .listen = dup_text("127.0.0.1:8787"),
        .history_days = HISTORY_UNSET,
        .limits =
            {
#define X(name, value) .name = (value),
                LIMIT_MAP(X)
#undef X
            },
    };
}

/* Find out folder, and main where the target says it. */
static int locate_target(struct config *c, const char *target, const char *file,
                         struct error *err)
{
    if (target == NULL) {
        c->folder = file != NULL ? folder_of(file) : dup_text(".");
        return 0;
    }
    if (is_folder(target)) {
        c->folder = trim_slashes(target);
        return 0;
    }
    c->folder = folder_of(target);
    if (!is_file(target))
        return error_set(err, ERR_NOT_FOUND, "%s: no such file or folder",
                         target);
    if (strcmp(base_of(target), CONFIG_NAME) != 0)
        c->main = dup_text(target);
    return 0;
}

static int locate_file(struct config *c, const char *file, struct error *err)
{
    if (file != NULL) {
        if (!is_file(file))
            return error_set(err, ERR_NOT_FOUND, "%s: no such file", file);
        c->file = dup_text(file);
        free(c->folder);
        c->folder = folder_of(file);
        return 0;
    }
    char *beside = join(c->folder, CONFIG_NAME);

    if (is_file(beside))
        c->file = beside;
    else
        free(beside);
    return 0;
}

static int read_file(struct config *c, struct slice settings, struct error *err)
{
    struct datatable *table = NULL;

    if (c->file == NULL && settings.n == 0)
        return 0;
    int rc = datatable_open(c->file, settings, &table, err);
    if (rc != 0)
        return rc;
    rc =
        config_keys_apply(c, settings.n == 0 ? c->file : OVER_NAME, table, err);
    datatable_close(table);
    return rc;
}

/* The script, where neither the target nor the configuration names it.
 * `folder` is where it is looked for. */
static int find_main(struct config *c, const char *folder, struct error *err)
{
    static const char *const names[] = {"main.lua", "init.lua"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        char *path = join(folder, names[i]);

        if (is_file(path)) {
            c->main = path;
            return 0;
        }
        free(path);
    }
    if (strcmp(folder, ".") == 0)
        return error_set(err, ERR_NOT_FOUND,
                         "no script here: neither main.lua nor init.lua, nor "
                         "a " CONFIG_NAME " that names one");
    return error_set(err, ERR_NOT_FOUND,
                     "%s: no script there: neither main.lua nor init.lua, nor "
                     "a " CONFIG_NAME " that names one",
                     folder);
}

static bool is_within(const char *path, const char *folder)
{
    char *inner = realpath(path, NULL);
    char *outer = realpath(folder, NULL);
    size_t n = outer == NULL ? 0 : strlen(outer);
    bool is = inner != NULL && outer != NULL && strncmp(inner, outer, n) == 0 &&
              inner[n] == '/';

    free(inner);
    free(outer);
    return is;
}

/* What is served as files must not be what the server itself lives on. */
static int check_assets(const struct config *c, struct error *err)
{
    if (c->assets == NULL)
        return 0;
    if (c->main != NULL && is_within(c->main, c->assets))
        return error_set(err, ERR_INVALID,
                         "assets: the folder %s has the main script %s in it, "
                         "which anybody could read",
                         c->assets, c->main);
    if (is_within(c->data, c->assets))
        return error_set(err, ERR_INVALID,
                         "assets: the folder %s has the data folder %s in it, "
                         "which anybody could read",
                         c->assets, c->data);
    return 0;
}

/* The steps of config_load that need the target's own folder, which is not
 * c->folder when --config names a file elsewhere. */
static int load(struct config *c, const char *target, const char *file,
                struct slice settings, struct error *err)
{
    int rc = locate_target(c, target, file, err);
    if (rc != 0)
        return rc;

    char *script_folder = dup_text(c->folder);
    char *named = c->main;
    c->main = NULL;
    rc = locate_file(c, file, err);
    c->app = app_name(c->folder);
    c->data = join(c->folder, ".moonkeep");
    if (rc == 0)
        rc = read_file(c, settings, err);
    if (named != NULL) {
        free(c->main);
        c->main = named;
    }
    if (rc == 0 && c->main == NULL)
        rc = find_main(c, script_folder, err);
    free(script_folder);
    return rc != 0 ? rc : check_assets(c, err);
}

int config_load(const char *target, const char *file, struct config *out,
                struct error *err)
{
    set_defaults(out);
    return load(out, target, file, (struct slice){0}, err);
}

int config_load_over(const char *target, const char *file,
                     struct slice settings, struct config *out,
                     struct error *err)
{
    int rc = config_load(target, file, out, err); /* the file's own errors */

    if (rc != 0 || settings.n == 0)
        return rc;
    config_fini(out);
    set_defaults(out);
    return load(out, target, file, settings, err);
}

static void pairs_fini(struct config_pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(pairs[i].from);
        free(pairs[i].to);
    }
    free(pairs);
}

static void texts_fini(char **texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(texts[i]);
    free(texts);
}

void config_fini(struct config *c)
{
    free(c->file);
    free(c->folder);
    free(c->main);
    free(c->app);
    free(c->listen);
    free(c->data);
    buf_fini(&c->vars);
    texts_fini(c->var_names, c->var_count);
    free(c->assets);
    free(c->admin);
    free(c->admin_token);
    fetch_policy_fini(&c->fetch);
    pairs_fini(c->keys, c->key_count);
    pairs_fini(c->renamed, c->renamed_count);
    texts_fini(c->deleted, c->deleted_count);
    *c = (struct config){0};
}

int config_set_listen(struct config *c, const char *address, struct error *err)
{
    return address_normalize(address, &c->listen, err);
}

int config_check_class(const struct config *c, const char *name,
                       struct error *err)
{
    for (size_t i = 0; i < c->var_count; i++) {
        if (strcmp(c->var_names[i], name) == 0)
            return error_set(err, ERR_INVALID,
                             "%s: vars.%s: also the name of a class",
                             c->file == NULL ? "start" : c->file, name);
    }
    return 0;
}
