/* export.c - `moonkeep export`: one object as a plain SQLite file. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/ask.h"
#include "cli/format.h"
#include "cli/hold.h"
#include "cli/jsonrow.h"
#include "cli/progress.h"
#include "cli/scraps.h"
#include "host/copying.h"
#include "host/row.h"
#include "store/examine.h"
#include "store/snapshot.h"

struct exporting {
    struct ask *ask;
    const char *id, *file;
    char *folder; /* beside the file; owned */
    struct scraps scraps;
    struct progress progress;
    struct oid oid;
    struct error err;
};

static int failed(const struct exporting *x, const char *what)
{
    return command_failed(x->ask->self, "cannot %s '%s': %s", what, x->file,
                          strerror(errno));
}

static int64_t size_of(const char *folder, const char *path)
{
    struct buf full = {0};
    struct stat st;

    buf_printf(&full, "%s/%s", folder, path);
    buf_add_byte(&full, '\0');
    int64_t size = stat(full.p, &st) == 0 ? st.st_size : 0;
    buf_fini(&full);
    return size;
}

static int on_progress(void *arg, const struct copying *c)
{
    struct exporting *x = arg;

    progress_show(&x->progress, c->done, c->total);
    return 0;
}

/* The object's file in the folder, copied and brought up to the point. */
static int make_copy(struct exporting *x, const struct hold *h,
                     const char *path)
{
    struct snapshot s = {
        .oldest = h->oldest, .class_name = x->ask->words[0], .id = &x->oid};
    struct copying c = {.from = x->ask->config.data,
                        .to = x->folder,
                        .total = size_of(x->ask->config.data, path),
                        .progress = on_progress,
                        .arg = x};
    struct hold_point point;
    int rc = copying_file(&c, path, &x->err);

    if (rc != 0 && rc != ERR_NOT_FOUND)
        return rc;
    if (hold_point(h, HOLD_OBJECT, x->id, &point) != 0)
        return ERR_CANCELED; /* and said why */
    s.upto = point.number;
    rc = disk_real_new(c.from, &s.from, &x->err);
    if (rc == 0)
        rc = disk_real_new(c.to, &s.to, &x->err);
    if (rc == 0)
        rc = snapshot_apply(&s, &x->err);
    if (s.from != NULL)
        s.from->ops->free(s.from);
    if (s.to != NULL)
        s.to->ops->free(s.to);
    return rc;
}

static void print_done(const struct exporting *x, const struct examined *e)
{
    struct buf out = {0};
    struct buf row = {0};

    if (x->ask->json) {
        row_begin(&row, "exported");
        row_add_text(&row, "file", slice_of(x->file));
        row_add_name(&row, "name", buf_slice(&e->name));
        row_add_integer(&row, "bytes", e->bytes);
        row_add_nonzero(&row, "next_alarm", e->next_alarm);
        jsonrow_add(&out, buf_slice(&row));
    } else {
        format_bytes(&out, e->bytes);
        buf_printf(&out, " in %s", x->file);
    }
    printf("%.*s\n", (int)out.n, out.p);
    buf_fini(&out);
    buf_fini(&row);
}

/* Look at it once more, and give it its name.  Of what it was made decides
 * who could read it: now it is as private as a backup. */
static int deliver(struct exporting *x, const char *path)
{
    struct examined e;
    int rc = examine_object(path, &e, &x->err);

    if (rc != 0)
        return rc;
    if (copying_sync(path, &x->err) != 0)
        rc = ERR_CANCELED;
    else if (chmod(path, S_IRUSR | S_IWUSR) != 0 || rename(path, x->file) != 0)
        rc = error_set(&x->err, ERR_IO, "cannot make '%s': %s", x->file,
                       strerror(errno));
    if (rc == 0)
        print_done(x, &e);
    examined_fini(&e);
    return rc;
}

static int export_object(struct exporting *x, const struct hold *h)
{
    char *path = snapshot_path(x->ask->words[0], &x->oid);
    struct buf full = {0};
    int rc = make_copy(x, h, path);

    buf_printf(&full, "%s/%s", x->folder, path);
    buf_add_byte(&full, '\0');
    if (rc == 0)
        rc = deliver(x, full.p);
    progress_clear(&x->progress);
    buf_fini(&full);
    free(path);
    return rc;
}

static int work(void *arg, const struct hold *h)
{
    struct exporting *x = arg;
    struct hold_point point;
    struct buf name = {0};
    int rc = hold_point(h, HOLD_OBJECT, x->id, &point);

    if (rc != 0)
        return rc;
    x->oid = point.id;
    buf_printf(&name, "%s.XXXXXX", x->file);
    buf_add_byte(&name, '\0');
    x->folder = mkdtemp(name.p);
    if (x->folder == NULL) {
        buf_fini(&name);
        return failed(x, "make a folder beside");
    }
    scraps_set(&x->scraps, x->folder);
    rc = export_object(x, h);
    if (rc != 0 && x->err.text[0] != '\0')
        command_failed(x->ask->self, "%s", x->err.text);
    copying_remove(x->folder, NULL);
    scraps_set(&x->scraps, NULL);
    buf_fini(&name);
    return rc == 0 ? hold_check(h) : EXIT_FAILED;
}

static int check(const struct command *self, const struct ask *a,
                 const struct exporting *x, bool force)
{
    struct stat st;

    if (a->word_count != (x->id == NULL ? 3 : 2))
        return command_misused(self, "a class, a name%s and a file expected",
                               x->id == NULL ? "" : " by --id");
    if (stat(a->words[a->word_count - 1], &st) != 0)
        return 0;
    if (!S_ISREG(st.st_mode))
        return command_failed(self, "'%s' is there, and no file",
                              a->words[a->word_count - 1]);
    return force ? 0
                 : command_failed(self,
                                  "'%s' is there already: not done without "
                                  "--force",
                                  a->words[a->word_count - 1]);
}

static int export_run(const struct command *self, int argc, char **argv)
{
    bool force = false;
    struct exporting x = {0};
    const struct option more[] = {{"--id", &x.id, NULL},
                                  {"--force", NULL, &force}};
    struct ask a;
    int rc = ask_parse(&a, self, argc, argv, &(struct ask_terms){more, 2, 3});

    if (rc == 0)
        rc = check(self, &a, &x, force);
    if (rc == 0)
        rc = ask_configure(&a);
    if (rc == 0) {
        x.ask = &a;
        x.file = a.words[--a.word_count];
        progress_init_bytes(&x.progress);
        scraps_start(&x.scraps);
        rc = hold_data(&a, work, &x);
        scraps_end(&x.scraps);
    }
    ask_close(&a);
    return rc;
}

static const char details[] =
    "Writes all that an object has stored into one SQLite file, as it is at\n"
    "this moment: keys in _mk_kv, alarms in _mk_alarms, and the script's own\n"
    "tables.  sqlite3 opens it, and 'moonkeep import' takes it back.  The\n"
    "object goes on meanwhile." ASK_ABOUT_DATA ASK_OBJECT_OPTIONS
    "  FILE              is made, for its owner alone; nothing is left of it\n"
    "                    on a failure, nor when it is broken off\n"
    "  --force           FILE may be there, and is replaced\n" ASK_OPTIONS "\n"
    "Example:\n"
    "  moonkeep export Room lobby lobby.sqlite\n";

const struct command export_command = {
    .name = "export",
    .summary = "write one object into a plain SQLite file",
    .usage = "export CLASS NAME FILE [--force] [OPTION...]",
    .details = details,
    .run = export_run,
};
