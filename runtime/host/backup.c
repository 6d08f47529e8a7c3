#include "host/backup.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/version.h"
#include "store/directory.h"

#define INFO      "backup.info"
#define PART      "backup.part"
#define SUMS      "backup.sums"
#define DIRECTORY "directory.sqlite"

/* A path in the folder, to be freed. */
static char *in(const char *folder, const char *name)
{
    struct buf out = {0};

    buf_printf(&out, "%s/%s", folder, name);
    buf_add_byte(&out, '\0');
    return out.p;
}

static int failed(struct error *err, const char *what, const char *path)
{
    int code = errno == ENOSPC || errno == EDQUOT ? ERR_FULL : ERR_IO;

    return error_set(err, code, "cannot %s %s: %s", what, path,
                     strerror(errno));
}

static bool has(const char *folder, const char *name)
{
    char *path = in(folder, name);
    struct stat st;
    bool is_there = stat(path, &st) == 0;

    free(path);
    return is_there;
}

/* ---- beginning ---- */

static bool is_empty(const char *path)
{
    DIR *folder = opendir(path);
    struct dirent *entry;
    bool found = false;

    while (folder != NULL && !found && (entry = readdir(folder)) != NULL)
        found =
            strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    if (folder != NULL)
        closedir(folder);
    return !found;
}

/* Whether `inner` is `outer`, or below it. */
static bool is_below(const char *outer, const char *inner)
{
    char *a = realpath(outer, NULL);
    char *b = realpath(inner, NULL);
    size_t n = a == NULL ? 0 : strlen(a);
    bool is = a != NULL && b != NULL && strncmp(a, b, n) == 0 &&
              (b[n] == '/' || b[n] == '\0');

    free(a);
    free(b);
    return is;
}

static int write_text(const char *folder, const char *name, const char *text,
                      struct error *err)
{
    char *path = in(folder, name);
    FILE *f = fopen(path, "we");
    int rc = 0;

    if (f == NULL || fputs(text, f) == EOF || fflush(f) != 0 ||
        fsync(fileno(f)) != 0)
        rc = failed(err, "write", path);
    if (f != NULL)
        fclose(f);
    free(path);
    return rc;
}

static int drop(const char *folder, const char *name, struct error *err)
{
    char *path = in(folder, name);
    int rc =
        unlink(path) == 0 || errno == ENOENT ? 0 : failed(err, "remove", path);

    free(path);
    return rc;
}

bool backup_is_part(const char *folder)
{
    return has(folder, PART);
}

int backup_check_apart(const char *data, const char *folder, struct error *err)
{
    if (!is_below(data, folder) && !is_below(folder, data))
        return 0;
    return error_set(err, ERR_INVALID,
                     "'%s' and the data folder are in one another", folder);
}

static int check_place(const char *data, const char *to, enum backup_use use,
                       struct error *err)
{
    if (backup_check_apart(data, to, err) != 0)
        return ERR_INVALID;
    if (has(to, INFO) && use == BACKUP_NEW)
        return error_set(err, ERR_EXISTS,
                         "'%s' has a finished backup: --update brings it up to "
                         "date",
                         to);
    if (has(to, INFO) || has(to, PART) || is_empty(to))
        return 0;
    return error_set(err, ERR_EXISTS, "'%s' is not empty, and no backup", to);
}

int backup_begin(const char *data, const char *to, enum backup_use use,
                 struct error *err)
{
    int rc = copying_make_folder(to, err);

    if (rc == 0)
        rc = check_place(data, to, use, err);
    if (rc == 0)
        rc = write_text(to, PART, "an unfinished backup\n", err);
    if (rc == 0)
        rc = drop(to, INFO, err);
    if (rc == 0)
        rc = drop(to, SUMS, err);
    /* It is copied anew, and whole. */
    if (rc == 0)
        rc = drop(to, DIRECTORY, err);
    if (rc == 0)
        rc = drop(to, DIRECTORY "-wal", err);
    return rc != 0 ? rc : drop(to, DIRECTORY "-shm", err);
}

/* ---- sealing ---- */

struct sealing {
    const char *folder;
    struct directory *directory;
    struct directory_reader *reader;
    FILE *sums;
    const struct backup_progress *progress;
    int64_t total;
    struct backup_info *info;
    struct error *err;
};

static int tell(struct sealing *s)
{
    const struct backup_progress *p = s->progress;

    if (p->show == NULL || p->show(p->arg, s->info->objects, s->total) == 0)
        return 0;
    return error_set(s->err, ERR_CANCELED, "canceled");
}

/* A line: the sum, and the path from the folder. */
static int add_sum(struct sealing *s, const char *path)
{
    char *full = in(s->folder, path);
    char sum[EXAMINE_SUM];
    struct error why;
    int rc = examine_sum(full, sum, &why);

    if (rc != 0)
        rc = error_set(s->err, rc, "%s: %s", full, why.text);
    else if (fprintf(s->sums, "%s  %s\n", sum, path) < 0)
        rc = failed(s->err, "write", SUMS);
    free(full);
    return rc;
}

struct listed {
    const struct examined *file;
    bool agrees;
};

static int on_listed(void *arg, const struct directory_entry *e)
{
    struct listed *l = arg;

    l->agrees = slice_eq(e->name, buf_slice(&l->file->name)) &&
                e->next_alarm == l->file->next_alarm &&
                e->dead == l->file->dead;
    return 0;
}

/* Class and id of "objects/<Class>/<hh>/<id>.sqlite". */
static struct directory_entry entry_of(const char *path)
{
    const char *class_name = strchr(path, '/') + 1;
    struct directory_entry e = {
        .class_name = {class_name,
                       (size_t)(strchr(class_name, '/') - class_name)}};

    oid_from_hex(strrchr(path, '/') + 1, OID_HEX, &e.id);
    return e;
}

/* The directory says of the object what its file says. */
static int put_right(struct sealing *s, const char *path,
                     const struct examined *file)
{
    struct directory_entry e = entry_of(path);
    struct listed l = {.file = file};
    int rc =
        directory_get(s->reader, e.class_name, &e.id, on_listed, &l, s->err);

    if (rc < 0 || l.agrees)
        return rc < 0 ? rc : 0;
    e.name = buf_slice(&file->name);
    e.next_alarm = file->next_alarm;
    e.dead = file->dead;
    e.bytes = file->bytes;
    e.created = e.last_commit = clock_wall_ms(clock_system());
    directory_note(s->directory, &e,
                   rc == 0 ? DIRECTORY_NEW
                           : DIRECTORY_NAME | DIRECTORY_ALARM | DIRECTORY_DEAD);
    return 0;
}

static int seal_file(void *arg, const char *path)
{
    struct sealing *s = arg;
    char *full = in(s->folder, path);
    struct examined file;
    struct error why;
    int rc = examine_object(full, &file, &why);

    if (rc != 0) {
        error_set(s->err, rc, "%s: %s", full, why.text);
        free(full);
        return rc;
    }
    rc = put_right(s, path, &file);
    if (rc == 0)
        rc = add_sum(s, path);
    s->info->objects++;
    s->info->bytes += file.bytes;
    examined_fini(&file);
    free(full);
    return rc != 0 ? rc : tell(s);
}

/* An entry without a file. */
static int on_entry(void *arg, const struct directory_entry *e)
{
    struct sealing *s = arg;
    char hex[OID_HEX + 1];
    struct buf path = {0};

    oid_to_hex(&e->id, hex);
    buf_printf(&path, "objects/%.*s/%.2s/%s.sqlite", (int)e->class_name.n,
               e->class_name.p, hex, hex);
    buf_add_byte(&path, '\0');
    if (!has(s->folder, path.p))
        directory_note(s->directory, e, DIRECTORY_GONE);
    buf_fini(&path);
    return 0;
}

static int seal_objects(struct sealing *s)
{
    struct directory_query all = {.limit = -1};
    char *path = in(s->folder, DIRECTORY);
    int rc = directory_open(&(struct directory_config){.path = path},
                            &s->directory, s->err);

    if (rc == 0)
        rc = directory_reader_open(s->directory, &s->reader, s->err);
    if (rc == 0)
        rc = copying_each(s->folder, seal_file, s, s->err);
    if (rc == 0)
        rc = directory_list(s->reader, &all, on_entry, s, s->err);
    directory_reader_close(s->reader);
    if (rc == 0)
        rc = directory_complete(s->directory, s->err);
    directory_close(s->directory);
    free(path);
    return rc != 0 ? rc : add_sum(s, DIRECTORY);
}

static int write_info(struct sealing *s)
{
    struct backup_info *i = s->info;
    struct buf text = {0};
    char *sums = in(s->folder, SUMS);
    int rc = examine_sum(sums, i->sums, s->err);

    i->time_ms = clock_wall_ms(clock_system());
    buf_printf(&text,
               "moonkeep backup 1\nversion %s\ntime %" PRId64
               "\ncommit %" PRIu64 "\nobjects %" PRId64 "\nbytes %" PRId64
               "\nsums %s\n",
               VERSION, i->time_ms, i->commit, i->objects, i->bytes, i->sums);
    buf_add_byte(&text, '\0');
    if (rc == 0)
        rc = copying_sync(s->folder, s->err);
    if (rc == 0)
        rc = write_text(s->folder, INFO, text.p, s->err);
    if (rc == 0)
        rc = drop(s->folder, PART, s->err);
    free(sums);
    buf_fini(&text);
    return rc != 0 ? rc : copying_sync(s->folder, s->err);
}

int backup_seal(const char *folder, uint64_t commit, int64_t total,
                const struct backup_progress *progress, struct backup_info *out,
                struct error *err)
{
    struct sealing s = {.folder = folder,
                        .progress = progress,
                        .total = total,
                        .info = out,
                        .err = err};
    char *path = in(folder, SUMS);
    int rc = 0;

    *out = (struct backup_info){.commit = commit};
    s.sums = fopen(path, "we");
    if (s.sums == NULL)
        rc = failed(err, "make", path);
    if (rc == 0)
        rc = seal_objects(&s);
    if (s.sums != NULL && fclose(s.sums) != 0 && rc == 0)
        rc = failed(err, "write", path);
    free(path);
    return rc != 0 ? rc : write_info(&s);
}

/* ---- reading ---- */

static int read_lines(FILE *f, struct backup_info *out)
{
    int format = 0;
    int n =
        fscanf(f,
               "moonkeep backup %d version %*s time %" SCNd64 " commit %" SCNu64
               " objects %" SCNd64 " bytes %" SCNd64 " sums %32s",
               &format, &out->time_ms, &out->commit, &out->objects, &out->bytes,
               out->sums);

    return n == 6 && format == 1 ? 0 : ERR_CORRUPT;
}

int backup_read_info(const char *folder, struct backup_info *out,
                     struct error *err)
{
    char *path = in(folder, INFO);
    FILE *f = fopen(path, "re");
    int rc = f == NULL ? ERR_NOT_FOUND : 0;

    *out = (struct backup_info){0};
    if (f == NULL) {
        error_set(err, rc,
                  has(folder, PART) ? "the backup in '%s' is not finished: run "
                                      "'moonkeep backup' again"
                                    : "there is no backup in '%s'",
                  folder);
    } else {
        rc = read_lines(f, out);
        fclose(f);
        if (rc != 0)
            error_set(err, rc, "%s cannot be understood", path);
    }
    free(path);
    return rc;
}
