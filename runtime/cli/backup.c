/* backup.c - `moonkeep backup` and `restore`: all of the data, as of one
 * moment. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/format.h"
#include "cli/hold.h"
#include "cli/jsonrow.h"
#include "cli/progress.h"
#include "host/backup.h"
#include "host/restore.h"
#include "host/row.h"
#include "store/snapshot.h"

struct backing_up {
    struct ask *ask;
    const char *to;
    struct copying copying;
    struct hold_point point;
    struct progress progress;
};

static int on_copied(void *arg, const struct copying *c)
{
    progress_show(arg, c->done, c->total);
    return 0;
}

static int on_looked_at(void *arg, int64_t done, int64_t total)
{
    progress_show(arg, done, total);
    return 0;
}

static char *path_in(const char *folder, const char *name)
{
    char *full = realpath(folder, NULL);
    struct buf out = {0};

    buf_printf(&out, "%s/%s", full == NULL ? folder : full, name);
    buf_add_byte(&out, '\0');
    free(full);
    return out.p;
}

static void print_row(const struct ask *a, struct slice row, const char *verb)
{
    struct buf out = {0};

    if (a->json) {
        jsonrow_add(&out, row);
    } else {
        buf_printf(&out, "%s ", verb);
        format_count(&out, row_integer(row, "objects"));
        buf_add_text(&out, row_integer(row, "objects") == 1 ? " object, "
                                                            : " objects, ");
        format_bytes(&out, row_integer(row, "bytes"));
        buf_add_text(&out, "; every file was checked");
    }
    printf("%.*s\n", (int)out.n, out.p);
    buf_fini(&out);
}

/* ---- backup ---- */

static int apply_log(const struct backing_up *b, const struct hold *h,
                     struct error *err)
{
    char *from = path_in(b->copying.from, "directory.sqlite");
    char *to = path_in(b->to, "directory.sqlite");
    struct snapshot s = {
        .oldest = h->oldest, .upto = b->point.number, .directory = to};
    int rc = snapshot_directory(from, to, err);

    if (rc == 0)
        rc = disk_real_new(b->copying.from, &s.from, err);
    if (rc == 0)
        rc = disk_real_new(b->to, &s.to, err);
    if (rc == 0)
        rc = snapshot_apply(&s, err);
    if (s.from != NULL)
        s.from->ops->free(s.from);
    if (s.to != NULL)
        s.to->ops->free(s.to);
    free(from);
    free(to);
    return rc;
}

/* The data is held. */
static int copy_all(void *arg, const struct hold *h)
{
    struct backing_up *b = arg;
    struct error err = {0};
    int rc = copying_measure(&b->copying, &err);

    if (rc == 0)
        rc = copying_objects(&b->copying, &err);
    progress_clear(&b->progress);
    if (rc != 0)
        return command_failed(b->ask->self, "%s", err.text);
    rc = hold_point(h, HOLD_ALL, NULL, &b->point);
    if (rc != 0)
        return rc;
    if (apply_log(b, h, &err) != 0)
        return command_failed(b->ask->self, "%s", err.text);
    return hold_check(h);
}

static int seal(struct backing_up *b)
{
    struct backup_progress show = {on_looked_at, &b->progress};
    struct backup_info info;
    struct error err = {0};
    struct buf row = {0};

    progress_init(&b->progress, "objects checked");
    int rc = backup_seal(b->to, b->point.number, b->point.objects, &show, &info,
                         &err);
    progress_clear(&b->progress);
    if (rc != 0)
        return command_failed(b->ask->self, "%s", err.text);
    row_begin(&row, "backup");
    row_add_text(&row, "folder", slice_of(b->to));
    row_add_integer(&row, "objects", info.objects);
    row_add_integer(&row, "bytes", info.bytes);
    row_add_integer(&row, "commit", (int64_t)info.commit);
    row_add_integer(&row, "time", info.time_ms);
    row_add_integer(&row, "passed_over", b->copying.passed_over);
    print_row(b->ask, buf_slice(&row), "backed up");
    buf_fini(&row);
    return 0;
}

static int back_up(struct ask *a, bool update)
{
    struct backing_up b = {.ask = a, .to = a->words[0]};
    struct error err = {0};
    int rc = ask_configure(a);

    if (rc != 0)
        return rc;
    b.copying = (struct copying){.from = a->config.data,
                                 .to = b.to,
                                 .progress = on_copied,
                                 .arg = &b.progress};
    if (!client_finds(&a->config, &err) ||
        backup_begin(a->config.data, b.to, update ? BACKUP_UPDATE : BACKUP_NEW,
                     &err) != 0)
        return command_failed(a->self, "%s", err.text);
    progress_init_bytes(&b.progress);
    rc = hold_data(a, copy_all, &b);
    return rc != 0 ? rc : seal(&b);
}

static int backup_run(const struct command *self, int argc, char **argv)
{
    bool update = false;
    const struct option more[] = {{"--update", NULL, &update}};
    struct ask a;
    int rc = ask_parse(&a, self, argc, argv, &(struct ask_terms){more, 1, 1});

    if (rc == 0 && a.word_count == 0)
        rc = command_misused(self, "a folder expected");
    if (rc == 0)
        rc = back_up(&a, update);
    ask_close(&a);
    return rc;
}

/* ---- restore ---- */

static int copy_back(struct ask *a, const struct backup_info *info,
                     struct error *err)
{
    struct progress progress;
    struct copying c = {.from = a->words[0],
                        .to = a->config.data,
                        .progress = on_copied,
                        .arg = &progress};

    progress_init_bytes(&progress);
    int rc = restore_copy(&c, info, err);
    progress_clear(&progress);
    return rc != 0 ? rc : restore_swap(a->config.data, err);
}

/* With the data folder locked. */
static int restore_locked(struct ask *a, const struct backup_info *info,
                          bool force)
{
    struct error err = {0};
    struct buf row = {0};

    if (!force && restore_finds_data(a->config.data))
        return command_failed(a->self,
                              "there is data in '%s': not done without "
                              "--force, which replaces it",
                              a->config.data);
    if (copy_back(a, info, &err) != 0)
        return command_failed(a->self, "%s", err.text);
    row_begin(&row, "restored");
    row_add_text(&row, "folder", slice_of(a->config.data));
    row_add_integer(&row, "objects", info->objects);
    row_add_integer(&row, "bytes", info->bytes);
    row_add_integer(&row, "commit", (int64_t)info->commit);
    row_add_integer(&row, "time", info->time_ms);
    print_row(a, buf_slice(&row), "restored");
    buf_fini(&row);
    return 0;
}

static int restore(struct ask *a, bool force)
{
    struct backup_info info;
    struct error err = {0};
    struct disk *disk = NULL;
    int rc = ask_configure(a);

    if (rc != 0)
        return rc;
    if (backup_read_info(a->words[0], &info, &err) != 0 ||
        disk_real_new(a->config.data, &disk, &err) != 0)
        return command_failed(a->self, "%s", err.text);
    if (backup_check_apart(a->config.data, a->words[0], &err) != 0) {
        disk->ops->free(disk);
        return command_failed(a->self, "%s", err.text);
    }
    rc = disk->ops->lock(disk);
    if (rc == ERR_LOCKED)
        rc = command_failed(a->self,
                            "a server runs on the data in '%s': stop it first",
                            a->config.data);
    else if (rc != 0)
        rc = command_failed(a->self, "cannot lock '%s': %s", a->config.data,
                            err_text(rc));
    else
        rc = restore_locked(a, &info, force);
    disk->ops->free(disk);
    return rc;
}

static int restore_run(const struct command *self, int argc, char **argv)
{
    bool force = false;
    const struct option more[] = {{"--force", NULL, &force}};
    struct ask a;
    int rc = ask_parse(&a, self, argc, argv, &(struct ask_terms){more, 1, 1});

    if (rc == 0 && a.word_count == 0)
        rc = command_misused(self, "a folder expected");
    if (rc == 0)
        rc = restore(&a, force);
    ask_close(&a);
    return rc;
}

static const char backup_details[] =
    "Copies all data as it is at one moment, while the server goes on, and\n"
    "checks every file of the copy.  What was acknowledged before it began is\n"
    "in it.  It can be interrupted and started again: what has not changed is\n"
    "not copied twice.  The backup is a data folder of plain SQLite files.\n"
    "While it runs the server keeps its log, which takes disk space.\n\n"
    "  DIR               a new or empty folder, or an unfinished backup\n"
    "  --update          DIR may be a finished backup, and is brought up to\n"
    "                    date; it is none until that is done\n" ASK_OPTIONS "\n"
    "Example:\n"
    "  moonkeep backup /backup/app --data /var/lib/app\n";

static const char restore_details[] =
    "Makes the data folder what it was when DIR was made by 'moonkeep "
    "backup',\n"
    "with every file checked against the sums in DIR.  The server must be\n"
    "stopped.  Until all is copied and checked nothing that was there is\n"
    "touched; interrupted, it can be started again.\n\n"
    "  DIR               a finished backup\n"
    "  --force           replace the data that is there\n" ASK_OPTIONS "\n"
    "Example:\n"
    "  moonkeep restore /backup/app --data /var/lib/app\n";

const struct command backup_command = {
    .name = "backup",
    .summary = "copy all data, consistent, while the server runs",
    .usage = "backup DIR [--update] [OPTION...]",
    .details = backup_details,
    .run = backup_run,
};

const struct command restore_command = {
    .name = "restore",
    .summary = "bring the data back from a backup",
    .usage = "restore DIR [--force] [OPTION...]",
    .details = restore_details,
    .run = restore_run,
};
