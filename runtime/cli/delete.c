/* delete.c - `moonkeep delete`: one object, all of it, for good. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/jsonrow.h"
#include "host/row.h"

/* 0 when it may go. */
static int confirm(const struct command *self, const struct ask *a,
                   const char *id)
{
    char answer[16] = "";

    if (!isatty(STDIN_FILENO))
        return command_failed(self, "not done without --yes: it cannot be "
                                    "undone, and there is nobody to ask");
    fprintf(stderr,
            "delete all that %s '%s' has stored, with its alarms? [y/N] ",
            a->words[0], id != NULL ? id : a->words[1]);
    fflush(stderr);
    if (fgets(answer, sizeof(answer), stdin) == NULL)
        fputc('\n', stderr);
    if (strcmp(answer, "y\n") == 0 || strcmp(answer, "Y\n") == 0 ||
        strcmp(answer, "yes\n") == 0)
        return 0;
    return command_failed(self, "not done");
}

static int on_row(void *arg, struct slice row)
{
    const struct ask *a = arg;
    struct buf out = {0};

    if (a->json)
        jsonrow_add(&out, row);
    else
        buf_add_text(&out, "deleted");
    printf("%.*s\n", (int)out.n, out.p);
    buf_fini(&out);
    return 0;
}

static int delete_run(const struct command *self, int argc, char **argv)
{
    const char *id = NULL;
    bool yes = false;
    const struct option more[] = {{"--id", &id, NULL}, {"--yes", NULL, &yes}};
    struct ask a;
    int rc = ask_parse(&a, self, argc, argv, &(struct ask_terms){more, 2, 2});

    if (rc == 0)
        rc = ask_needs_object(&a, id);
    if (rc == 0 && !yes)
        rc = confirm(self, &a, id);
    if (rc == 0)
        rc = ask_open(&a);
    if (rc == 0) {
        row_begin(&a.question, "delete");
        ask_add_object(&a, id);
        rc = ask_rows(&a, on_row, &a);
    }
    ask_close(&a);
    return rc;
}

static const char details[] =
    "Deletes all that an object has stored, with its alarms, and cuts its\n"
    "sockets; calls to it that are under way fail.  Cannot be "
    "undone." ASK_ABOUT_DATA ASK_OBJECT_OPTIONS
    "  --yes             without asking\n" ASK_OPTIONS "\n"
    "Example:\n"
    "  moonkeep delete Room lobby --yes\n";

const struct command delete_command = {
    .name = "delete",
    .summary = "delete one object, all of it",
    .usage = "delete CLASS NAME [--yes] [OPTION...]",
    .details = details,
    .run = delete_run,
};
