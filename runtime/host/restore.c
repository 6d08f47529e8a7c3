#include "host/restore.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"

#define PART "restore.part"
#define OLD  "restore.old"

enum { LINE_MAX_BYTES = 1024 };

/* What a data folder has, the log first: without it no old commit can come
 * over new files.  A backup has no history. */
static const char *const parts[] = {"log",
                                    "history",
                                    "objects",
                                    "directory.sqlite",
                                    "directory.sqlite-wal",
                                    "directory.sqlite-shm"};

enum { PART_COUNT = sizeof(parts) / sizeof(*parts) };

static char *in(const char *folder, const char *name)
{
    struct buf out = {0};

    buf_printf(&out, "%s/%s", folder, name);
    buf_add_byte(&out, '\0');
    return out.p;
}

bool restore_finds_data(const char *data)
{
    bool found = false;

    for (size_t i = 0; i < PART_COUNT && !found; i++) {
        char *path = in(data, parts[i]);
        struct stat st;

        found = stat(path, &st) == 0;
        free(path);
    }
    return found;
}

/* ---- copying ---- */

static int damaged(struct error *err, const char *folder, const char *path)
{
    return error_set(err, ERR_CORRUPT,
                     "%s/%s is not as it was written: the backup is damaged",
                     folder, path);
}

static int check_sum(const char *folder, const char *path, const char *sum,
                     struct error *err)
{
    char *full = in(folder, path);
    char now[EXAMINE_SUM];
    struct error why;
    int rc = examine_sum(full, now, &why);

    if (rc != 0)
        rc = error_set(err, rc, "%s: %s", full, why.text);
    free(full);
    if (rc == 0 && strcmp(now, sum) != 0)
        rc = ERR_CORRUPT;
    return rc;
}

/* The sum of the copy is looked at, so that neither reading nor writing is
 * believed. */
static int copy_one(struct copying *c, const char *sum, const char *path,
                    struct error *err)
{
    int rc = copying_file(c, path, err);

    if (rc == ERR_NOT_FOUND)
        return error_set(err, rc, "%s/%s is missing: the backup is damaged",
                         c->from, path);
    if (rc == 0)
        rc = check_sum(c->to, path, sum, err);
    return rc == ERR_CORRUPT ? damaged(err, c->from, path) : rc;
}

/* "<sum>  <path>\n"; false when it is none. */
static bool split_line(char *line, char **path)
{
    size_t n = strlen(line);

    if (n < EXAMINE_SUM + 3 || line[n - 1] != '\n' ||
        line[EXAMINE_SUM - 1] != ' ' || line[EXAMINE_SUM] != ' ')
        return false;
    line[n - 1] = '\0';
    line[EXAMINE_SUM - 1] = '\0';
    *path = line + EXAMINE_SUM + 1;
    return **path != '/' && strstr(*path, "..") == NULL;
}

static int copy_listed(struct copying *c, FILE *sums, struct error *err)
{
    char line[LINE_MAX_BYTES];
    int rc = 0;

    while (rc == 0 && fgets(line, sizeof(line), sums) != NULL) {
        char *path;

        rc = split_line(line, &path) ? copy_one(c, line, path, err)
                                     : damaged(err, c->from, "backup.sums");
    }
    return rc;
}

int restore_copy(struct copying *c, const struct backup_info *info,
                 struct error *err)
{
    char *path = in(c->from, "backup.sums");
    char *to = in(c->to, PART);
    struct copying into = *c;
    FILE *sums = fopen(path, "re");
    int rc = check_sum(c->from, "backup.sums", info->sums, err);

    if (rc == ERR_CORRUPT)
        damaged(err, c->from, "backup.sums");
    into.to = to;
    into.total = info->bytes;
    if (rc == 0 && sums != NULL)
        rc = copying_make_folder(to, err);
    if (rc == 0 && sums != NULL)
        rc = copy_listed(&into, sums, err);
    if (rc == 0)
        rc = copying_sync(c->to, err);
    if (sums != NULL)
        fclose(sums);
    c->files = into.files;
    c->done = into.done;
    free(path);
    free(to);
    return rc;
}

/* ---- swapping ---- */

/* Move `name` from one folder to the other, if it is there. */
static int move(const char *from, const char *to, const char *name,
                struct error *err)
{
    char *a = in(from, name);
    char *b = in(to, name);
    int rc = rename(a, b) == 0 || errno == ENOENT
                 ? 0
                 : error_set(err, ERR_IO, "cannot move %s to %s: %s", a, b,
                             strerror(errno));

    free(a);
    free(b);
    return rc;
}

static int move_all(const char *from, const char *to, struct error *err)
{
    int rc = 0;

    for (size_t i = 0; i < PART_COUNT && rc == 0; i++)
        rc = move(from, to, parts[i], err);
    return rc;
}

int restore_swap(const char *data, struct error *err)
{
    char *part = in(data, PART);
    char *old = in(data, OLD);
    int rc = copying_remove(old, err);

    if (rc == 0)
        rc = copying_make_folder(old, err);
    if (rc == 0)
        rc = move_all(data, old, err);
    if (rc == 0)
        rc = move_all(part, data, err);
    if (rc == 0)
        rc = copying_remove(part, err);
    if (rc == 0)
        rc = copying_sync(data, err);
    if (rc == 0)
        rc = copying_remove(old, err);
    free(part);
    free(old);
    return rc;
}
