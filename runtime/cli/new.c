/* new.c - `moonkeep new`: a project to begin with. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "cli/annotations.h"
#include "cli/command.h"
#include "cli/complete.h"
#include "cli/option.h"
#include "vm/embedded.h"

#define COMMON "common/"
#define NAME   "{{name}}"
#define DOT    "dot-"
/* What a shell takes as it is. */
#define PLAIN                                                                  \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-+@%,:"

static const char *const templates[] = {"counter", "chat", "sql"};

enum { TEMPLATE_COUNT = sizeof(templates) / sizeof(*templates) };

/* ---- where ---- */

static bool is_empty(const char *path)
{
    DIR *folder = opendir(path);
    struct dirent *entry;
    bool found = false;

    while (folder != NULL && !found && (entry = readdir(folder)) != NULL)
        found = strcmp(entry->d_name, ".") != 0 &&
                strcmp(entry->d_name, "..") != 0 &&
                strcmp(entry->d_name, ".git") != 0;
    if (folder != NULL)
        closedir(folder);
    return !found;
}

static int check(const struct command *self, const char *folder,
                 const char *template)
{
    struct stat st;
    bool is_known = false;

    if (folder == NULL)
        return command_misused(self, "a folder expected");
    for (size_t i = 0; i < TEMPLATE_COUNT; i++)
        is_known |= strcmp(templates[i], template) == 0;
    const char *meant = nearest_word(template, templates, TEMPLATE_COUNT);

    if (!is_known && meant != NULL)
        return command_misused(self, "no template '%s'; did you mean '%s'?",
                               template, meant);
    if (!is_known)
        return command_misused(
            self, "--template: counter, chat or sql expected, got '%s'",
            template);
    if (stat(folder, &st) == 0 && !S_ISDIR(st.st_mode))
        return command_failed(self, "'%s' is there, and no folder", folder);
    return is_empty(folder) ? 0
                            : command_failed(self, "'%s' is not empty", folder);
}

/* Make all folders of the path up to its last '/'. */
static int make_folders(char *path)
{
    for (char *p = strchr(path + 1, '/'); p != NULL; p = strchr(p + 1, '/')) {
        *p = '\0';
        bool is_made = mkdir(path, 0777) == 0 || errno == EEXIST;

        *p = '/';
        if (!is_made)
            return ERR_IO;
    }
    return 0;
}

/* ---- files ---- */

/* The last part of the folder's path, as the user will know it. */
static char *project_name(const char *folder)
{
    char *full = realpath(folder, NULL);
    const char *path = full == NULL ? folder : full;
    const char *slash = strrchr(path, '/');
    const char *last = slash == NULL || slash[1] == '\0' ? path : slash + 1;
    char *name = mem_dup(last, strlen(last));

    free(full);
    return name;
}

static void add_filled(struct buf *out, const struct embedded *e,
                       const char *name)
{
    struct slice rest = {(const char *)e->bytes, e->size};
    const char *at;

    while ((at = memmem(rest.p, rest.n, NAME, strlen(NAME))) != NULL) {
        buf_add(out, rest.p, (size_t)(at - rest.p));
        buf_add_text(out, name);
        at += strlen(NAME);
        rest = (struct slice){at, rest.n - (size_t)(at - rest.p)};
    }
    buf_add_slice(out, rest);
}

/* "dot-x" is ".x". */
static void add_path(struct buf *out, const char *folder, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *last = slash == NULL ? path : slash + 1;
    bool is_dot = strncmp(last, DOT, strlen(DOT)) == 0;

    buf_printf(out, "%s/%.*s%s%s", folder, (int)(last - path), path,
               is_dot ? "." : "", is_dot ? last + strlen(DOT) : last);
    buf_add_byte(out, '\0');
}

/* One file, unless it is there: a template's own go before the common ones. */
static int write_file(const char *folder, const char *path,
                      const struct embedded *e, const char *name)
{
    struct buf to = {0};
    struct buf text = {0};
    struct stat st;
    int rc = 0;

    add_path(&to, folder, path);
    add_filled(&text, e, name);
    if (stat(to.p, &st) != 0) {
        FILE *f = make_folders(to.p) == 0 ? fopen(to.p, "wbxe") : NULL;

        if (f == NULL || fwrite(text.p, 1, text.n, f) != text.n)
            rc = ERR_IO;
        if (f != NULL && fclose(f) != 0)
            rc = ERR_IO;
    }
    buf_fini(&to);
    buf_fini(&text);
    return rc;
}

static int write_all(const char *folder, const char *template, const char *name)
{
    size_t n = strlen(template);
    int rc = 0;

    for (const struct embedded *e = embedded_template_files;
         e->name != NULL && rc == 0; e++) {
        if (strncmp(e->name, template, n) == 0 && e->name[n] == '/')
            rc = write_file(folder, e->name + n + 1, e, name);
    }
    return rc;
}

static int make_project(const struct command *self, const char *folder,
                        const char *template)
{
    struct buf path = {0};
    struct error err = {0};
    int rc;

    buf_printf(&path, "%s/.lua-api", folder);
    buf_add_byte(&path, '\0');
    rc = make_folders(path.p);
    char *name = project_name(folder);
    if (rc == 0)
        rc = write_all(folder, template, name);
    if (rc == 0)
        rc = write_all(folder, "common", name);
    if (rc != 0)
        rc = command_failed(self, "'%s': %s", folder, strerror(errno));
    else if (annotations_write(path.p, &err) != 0)
        rc = command_failed(self, "%s", err.text);
    free(name);
    buf_fini(&path);
    return rc;
}

/* ---- the command ---- */

/* As a shell takes it. */
static void print_path(const char *path)
{
    struct buf quoted = {0};
    bool is_plain = path[strspn(path, PLAIN)] == '\0';

    complete_quote(&quoted, slice_of(path));
    buf_add_byte(&quoted, '\0');
    printf(is_plain ? "%s" : "'%s'", quoted.p);
    buf_fini(&quoted);
}

static void print_next(const char *folder, const char *template)
{
    printf("made '%s' from the template '%s'; next:\n\n", folder, template);
    if (strcmp(folder, ".") != 0) {
        printf("  cd %s", folder[0] == '-' ? "-- " : "");
        print_path(folder);
        printf("\n");
    }
    printf("  moonkeep test\n  moonkeep dev\n");
}

static int new_run(const struct command *self, int argc, char **argv)
{
    const char *folder = NULL;
    const char *template = "counter";
    const struct option options[] = {{"--template", &template, NULL}};
    size_t count;
    int rc = option_parse_words(self, argc, argv,
                                &(struct option_terms){options, 1, &folder, 1},
                                &count);

    if (rc == 0)
        rc = check(self, folder, template);
    if (rc == 0)
        rc = make_project(self, folder, template);
    if (rc == 0)
        print_next(folder, template);
    return rc;
}

static const char details[] =
    "Makes a project: main script, configuration, specs, settings for editors\n"
    "(the Lua language server), README.\n\n"
    "  DIR               is made; a folder that is there must be empty\n"
    "  --template NAME   counter (default): a number for each name\n"
    "                    chat: rooms on WebSockets, with a page\n"
    "                    sql: notes in SQL, with a search\n\n"
    "Example:\n"
    "  moonkeep new notes --template sql\n";

const struct command new_command = {
    .name = "new",
    .summary = "make a project",
    .usage = "new DIR [--template counter|chat|sql]",
    .details = details,
    .run = new_run,
};
