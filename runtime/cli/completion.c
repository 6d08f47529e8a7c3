/* completion.c - `moonkeep completion`: for shells, and what they ask. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/complete.h"
#include "host/row.h"

enum { NAMES = 200 /* of objects that are offered */ };

static int print_script(const char *shell)
{
    struct buf out = {0};

    if (strcmp(shell, "bash") == 0)
        complete_bash(&out);
    else
        complete_zsh(&out);
    fwrite(out.p, 1, out.n, stdout);
    buf_fini(&out);
    return EXIT_OK;
}

/* ---- what there is ---- */

/* A line for each that a line can hold. */
static int on_row(void *arg, struct slice row)
{
    struct slice name = row_text(row, row_is(row, "class") ? "class" : "name");

    (void)arg;
    if (name.n != 0 && memchr(name.p, '\n', name.n) == NULL)
        printf("%.*s\n", (int)name.n, name.p);
    return 0;
}

/* Without a server the data is not opened, which may take a while: classes are
 * folders, and names are not told. */
static void list_folders(const char *data)
{
    struct buf path = {0};
    struct dirent *entry;

    buf_printf(&path, "%s/objects", data);
    buf_add_byte(&path, '\0');
    DIR *folder = opendir(path.p);
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] != '.')
            printf("%s\n", entry->d_name);
    }
    if (folder != NULL)
        closedir(folder);
    buf_fini(&path);
}

static void list(struct ask *a)
{
    bool is_classes = strcmp(a->words[0], "classes") == 0;
    struct error err = {0};
    struct buf *q = &a->question;

    if (client_open(&a->config, CLIENT_SERVER, &a->client, &err) != 0) {
        if (is_classes)
            list_folders(a->config.data);
        return;
    }
    row_begin(q, is_classes ? "classes" : "objects");
    if (!is_classes) {
        row_add_text(q, "class", slice_of(a->words[1]));
        row_add_integer(q, "limit", NAMES);
        if (a->word_count > 2)
            row_add_text(q, "prefix", slice_of(a->words[2]));
    }
    /* A shell has no use for errors. */
    client_ask(a->client, buf_slice(q), on_row, NULL, &err);
}

/* ---- the command ---- */

static int completion_run(const struct command *self, int argc, char **argv)
{
    struct ask a;
    int rc = ask_parse(&a, self, argc, argv, &(struct ask_terms){NULL, 0, 3});
    const char *what = a.word_count == 0 ? "" : a.words[0];
    bool is_shell = strcmp(what, "bash") == 0 || strcmp(what, "zsh") == 0;
    bool is_list = (strcmp(what, "classes") == 0 && a.word_count == 1) ||
                   (strcmp(what, "names") == 0 && a.word_count >= 2);

    if (rc == 0 && is_shell && a.word_count == 1)
        rc = print_script(what);
    else if (rc == 0 && !is_list)
        rc = command_misused(self, "bash or zsh expected%s%s%s",
                             *what == '\0' ? "" : ", got '", what,
                             *what == '\0' ? "" : "'");
    else if (rc == 0 && ask_configure(&a) == 0)
        list(&a);
    ask_close(&a);
    return rc;
}

static const char details[] =
    "Prints what makes the shell complete commands, options, classes and\n"
    "names of objects.  The shell asks with 'moonkeep completion classes' and\n"
    "'moonkeep completion names CLASS [PREFIX]': of a running server, or, for\n"
    "classes, of the folder.\n\n" ASK_OPTIONS "\n"
    "Example:\n"
    "  moonkeep completion bash >>~/.bash_completion\n"
    "  source <(moonkeep completion zsh)\n";

const struct command completion_command = {
    .name = "completion",
    .summary = "print the completion for a shell",
    .usage = "completion bash|zsh",
    .details = details,
    .run = completion_run,
};
