/* import.c - `moonkeep import`: a plain SQLite file becomes an object. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/ask.h"
#include "cli/format.h"
#include "cli/jsonrow.h"
#include "cli/scraps.h"
#include "host/row.h"
#include "store/adopt.h"

struct importing {
    struct ask *ask;
    const char *id, *from;
    bool force;
    struct buf name;   /* of the target; may be empty */
    struct buf target; /* the row */
    char *staged;      /* path in the data folder; owned */
    struct scraps scraps;
    struct adopted adopted;
};

/* ---- asking ---- */

static int on_target(void *arg, struct slice row)
{
    struct importing *i = arg;

    i->target.n = 0;
    buf_add_slice(&i->target, row);
    return 0;
}

static int open_client(struct importing *i)
{
    struct ask *a = i->ask;
    struct error err = {0};

    /* With the script its classes are known, also those without objects. */
    if (client_open(&a->config,
                    a->config.main == NULL ? CLIENT_DATA : CLIENT_SCRIPT,
                    &a->client, &err) == 0)
        return 0;
    return command_failed(a->self, "%s", err.text);
}

/* A server takes one question for each connection. */
static int ask_import(struct importing *i, const char *file)
{
    struct ask *a = i->ask;
    struct buf *q = &a->question;
    int rc = 0;

    if (a->client != NULL && client_is_server(a->client)) {
        client_close(a->client);
        a->client = NULL;
    }
    if (a->client == NULL)
        rc = open_client(i);
    if (rc != 0)
        return rc;
    row_begin(q, "import");
    ask_add_object(a, i->id);
    row_add_bool(q, "force", i->force);
    if (file != NULL) {
        row_add_text(q, "file", slice_of(file));
        row_add_integer(q, "next_alarm", i->adopted.next_alarm);
        row_add_integer(q, "dead", i->adopted.dead);
    }
    return ask_rows(a, on_target, i);
}

/* ---- the file ---- */

/* The data folder's owner is who the server runs as. */
static void give_away(const char *path, const char *folder)
{
    struct stat st;

    if (geteuid() == 0 && stat(folder, &st) == 0 &&
        chown(path, st.st_uid, st.st_gid) != 0)
        perror(path); /* it is then for the server to say that it cannot */
}

static int stage(struct importing *i, char *file, size_t size)
{
    struct ask *a = i->ask;
    struct slice name = row_text(buf_slice(&i->target), "name");
    int64_t most = a->config.limits.storage_mb << 20;
    struct error err = {0};
    struct buf path = {0};

    scraps_sweep(a->config.data);
    snprintf(file, size, SCRAPS_IMPORT "%ld.sqlite", (long)getpid());
    buf_printf(&path, "%s/%s", a->config.data, file);
    buf_add_byte(&path, '\0');
    i->staged = path.p;
    buf_add_slice(&i->name, name);
    unlink(i->staged);
    scraps_set(&i->scraps, i->staged);
    if (adopt_copy(i->from, i->staged, buf_slice(&i->name), most, &i->adopted,
                   &err) != 0)
        return command_failed(a->self, "%s", err.text);
    give_away(i->staged, a->config.data);
    return 0;
}

static void print_done(const struct importing *i)
{
    struct buf out = {0};
    struct buf row = {0};
    struct slice target = buf_slice(&i->target);

    row_begin(&row, "imported");
    row_add_text(&row, "class", row_text(target, "class"));
    row_add_name(&row, "name", row_text(target, "name"));
    row_add_text(&row, "id", row_text(target, "id"));
    row_add_integer(&row, "bytes", i->adopted.bytes);
    row_add_nonzero(&row, "next_alarm", i->adopted.next_alarm);
    if (i->ask->json)
        jsonrow_add(&out, buf_slice(&row));
    else {
        buf_add_text(&out, "imported ");
        format_bytes(&out, i->adopted.bytes);
    }
    printf("%.*s\n", (int)out.n, out.p);
    buf_fini(&out);
    buf_fini(&row);
}

static int import(struct importing *i)
{
    char file[40];
    int rc = ask_import(i, NULL);

    if (rc == 0)
        rc = stage(i, file, sizeof(file));
    if (rc == 0)
        rc = ask_import(i, file);
    if (i->staged != NULL)
        unlink(i->staged); /* unless it was moved */
    if (rc == 0)
        print_done(i);
    return rc;
}

static int import_run(const struct command *self, int argc, char **argv)
{
    struct importing i = {0};
    const struct option more[] = {{"--id", &i.id, NULL},
                                  {"--force", NULL, &i.force}};
    struct ask a;
    int rc = ask_parse(&a, self, argc, argv, &(struct ask_terms){more, 2, 3});

    if (rc == 0 && a.word_count != (i.id == NULL ? 3 : 2))
        rc = command_misused(self, "a class, a name%s and a file expected",
                             i.id == NULL ? "" : " by --id");
    if (rc == 0)
        rc = ask_configure(&a);
    if (rc == 0) {
        i.ask = &a;
        i.from = a.words[--a.word_count];
        scraps_start(&i.scraps);
        rc = import(&i);
        scraps_end(&i.scraps);
    }
    buf_fini(&i.name);
    buf_fini(&i.target);
    free(i.staged);
    ask_close(&a);
    return rc;
}

static const char details[] =
    "Makes an object of a SQLite file that 'moonkeep export' wrote, or of "
    "such\n"
    "a file after changes: keys, tables and alarms come along, name and id "
    "are\n"
    "those given here.  The file is checked before anything is changed, and\n"
    "stays as it is.  Alarms that are due meanwhile fire." ASK_ABOUT_DATA
        ASK_OBJECT_OPTIONS "  FILE              a SQLite database\n"
    "  --force           the object may be there, and is replaced; calls to "
    "it\n"
    "                    that are under way fail\n" ASK_OPTIONS "\n"
    "Example:\n"
    "  moonkeep import Room lobby-copy lobby.sqlite\n";

const struct command import_command = {
    .name = "import",
    .summary = "make an object of a SQLite file",
    .usage = "import CLASS NAME FILE [--force] [OPTION...]",
    .details = details,
    .run = import_run,
};
