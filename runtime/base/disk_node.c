#include "base/disk_node.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

enum { SECTOR = 512 };

struct node_write {
    char *p; /* owned; NULL: a change of size to `at` */
    size_t n;
    int64_t at;
};

/* `array` with room for one more member of `size` bytes. */
static void *grow(void *array, size_t count, size_t *cap, size_t size)
{
    if (count < *cap)
        return array;
    *cap = *cap == 0 ? 8 : *cap * 2;
    return mem_realloc(array, *cap * size);
}

static void resize(struct buf *b, int64_t size)
{
    if ((size_t)size > b->n) {
        size_t more = (size_t)size - b->n;

        memset(buf_room(b, more), 0, more);
    }
    b->n = (size_t)size;
}

static void apply_part(struct buf *b, const char *p, size_t n, int64_t at)
{
    if (n == 0)
        return;
    if ((size_t)at + n > b->n)
        resize(b, at + (int64_t)n);
    memcpy(b->p + at, p, n);
}

static void apply(struct buf *b, const struct node_write *w)
{
    if (w->p == NULL)
        resize(b, w->at);
    else
        apply_part(b, w->p, w->n, w->at);
}

static bool coin(struct random *r)
{
    return (random_u64(r) & 1) != 0;
}

/* Apply each sector of the write, or not. */
static void apply_torn(struct buf *b, const struct node_write *w,
                       struct random *r)
{
    size_t done = 0;

    while (done < w->n) {
        size_t in_sector = (size_t)(w->at + (int64_t)done) % SECTOR;
        size_t part = SECTOR - in_sector;

        if (part > w->n - done)
            part = w->n - done;
        if (coin(r))
            apply_part(b, w->p + done, part, w->at + (int64_t)done);
        done += part;
    }
}

static void note(struct disk_node *n, const struct node_write *w)
{
    apply(&n->now, w);
    n->writes = grow(n->writes, n->write_count, &n->write_cap, sizeof(*w));
    n->writes[n->write_count++] = *w;
}

static void forget_writes(struct disk_node *n)
{
    for (size_t i = 0; i < n->write_count; i++)
        free(n->writes[i].p);
    n->write_count = 0;
}

struct disk_node *disk_node_new(struct disk_node **all)
{
    struct disk_node *n = mem_zalloc(sizeof(*n));

    n->next = *all;
    *all = n;
    return n;
}

void disk_nodes_free(struct disk_node **all)
{
    while (*all != NULL) {
        struct disk_node *n = *all;

        *all = n->next;
        forget_writes(n);
        free(n->writes);
        buf_fini(&n->now);
        buf_fini(&n->durable);
        free(n);
    }
}

void disk_node_write(struct disk_node *n, const struct iovec *v, int count,
                     int64_t at)
{
    struct buf all = {0};

    buf_room(&all, 1); /* no parts make a write of nothing, not of no bytes */
    for (int i = 0; i < count; i++)
        buf_add(&all, v[i].iov_base, v[i].iov_len);
    note(n, &(struct node_write){all.p, all.n, at});
}

void disk_node_resize(struct disk_node *n, int64_t size)
{
    note(n, &(struct node_write){NULL, 0, size});
}

void disk_node_sync(struct disk_node *n)
{
    for (size_t i = 0; i < n->write_count; i++)
        apply(&n->durable, &n->writes[i]);
    forget_writes(n);
}

void disk_node_crash(struct disk_node *n, struct random *r)
{
    for (size_t i = 0; i < n->write_count; i++) {
        const struct node_write *w = &n->writes[i];
        uint64_t fate = random_u64(r) % 3;

        if (fate == 0)
            continue;
        if (fate == 1 || w->p == NULL)
            apply(&n->durable, w);
        else
            apply_torn(&n->durable, w, r);
    }
    forget_writes(n);
}

void disk_node_reload(struct disk_node *n)
{
    n->now.n = 0;
    buf_add(&n->now, n->durable.p, n->durable.n);
}

static size_t index_of(const struct names *n, const char *path)
{
    size_t i = 0;

    while (i < n->count && strcmp(n->at[i].path, path) != 0)
        i++;
    return i;
}

struct disk_node *names_find(const struct names *n, const char *path)
{
    size_t i = index_of(n, path);

    return i < n->count ? n->at[i].node : NULL;
}

static void names_set(struct names *n, const char *path, struct disk_node *node)
{
    size_t i = index_of(n, path);

    if (i == n->count) {
        n->at = grow(n->at, n->count, &n->cap, sizeof(*n->at));
        n->at[n->count++].path = mem_dup(path, strlen(path));
    }
    n->at[i].node = node;
}

static void names_unset(struct names *n, const char *path)
{
    size_t i = index_of(n, path);

    if (i == n->count)
        return;
    free(n->at[i].path);
    n->at[i] = n->at[--n->count];
}

/* What follows the folder's name in `path`, from the '/' on, or NULL. */
static const char *behind(const char *path, const char *folder)
{
    size_t n = strlen(folder);

    return strncmp(path, folder, n) == 0 && path[n] == '/' ? path + n : NULL;
}

static bool is_folder(const struct names *n, const char *path)
{
    for (size_t i = 0; i < n->count; i++)
        if (behind(n->at[i].path, path) != NULL)
            return true;
    return false;
}

int names_check(const struct names *n, const struct name_change *c)
{
    if (names_find(n, c->path) != NULL)
        return 0;
    if (c->kind != NAME_MOVED || !is_folder(n, c->path))
        return ERR_NOT_FOUND;
    return is_folder(n, c->to) ? ERR_EXISTS : 0;
}

static void move_folder(struct names *n, const char *from, const char *to)
{
    for (size_t i = 0; i < n->count; i++) {
        const char *rest = behind(n->at[i].path, from);
        struct buf path = {0};

        if (rest == NULL)
            continue;
        buf_add_text(&path, to);
        buf_add_text(&path, rest);
        buf_add_byte(&path, '\0');
        free(n->at[i].path);
        n->at[i].path = path.p;
    }
}

static void apply_change(struct names *n, const struct name_change *c)
{
    if (c->node == NULL) {
        move_folder(n, c->path, c->to);
        return;
    }
    if (c->kind != NAME_MADE)
        names_unset(n, c->path);
    if (c->kind != NAME_GONE)
        names_set(n, c->kind == NAME_MOVED ? c->to : c->path, c->node);
}

static char *copy_path(const char *path)
{
    return path == NULL ? NULL : mem_dup(path, strlen(path));
}

void names_change(struct names_log *log, struct names *now,
                  const struct name_change *c)
{
    apply_change(now, c);
    log->at = grow(log->at, log->count, &log->cap, sizeof(*log->at));
    log->at[log->count++] = (struct name_change){c->kind, copy_path(c->path),
                                                 copy_path(c->to), c->node};
}

static void free_change(struct name_change *c)
{
    free((char *)(uintptr_t)c->path);
    free((char *)(uintptr_t)c->to);
}

static bool is_in(const char *path, const char *folder)
{
    const char *end = strrchr(path, '/');
    size_t n = end == NULL ? 0 : (size_t)(end - path);

    return folder == NULL ||
           (strlen(folder) == n && memcmp(path, folder, n) == 0);
}

void names_sync(struct names_log *log, struct names *durable,
                const char *folder)
{
    size_t kept = 0;

    for (size_t i = 0; i < log->count; i++) {
        struct name_change *c = &log->at[i];

        if (!is_in(c->path, folder)) {
            log->at[kept++] = *c;
            continue;
        }
        apply_change(durable, c);
        free_change(c);
    }
    log->count = kept;
}

void names_crash(struct names_log *log, struct names *durable, struct random *r)
{
    for (size_t i = 0; i < log->count; i++) {
        if (coin(r))
            apply_change(durable, &log->at[i]);
        free_change(&log->at[i]);
    }
    log->count = 0;
}

struct names names_copy(const struct names *n)
{
    struct names copy = {0};

    for (size_t i = 0; i < n->count; i++)
        names_set(&copy, n->at[i].path, n->at[i].node);
    return copy;
}

struct names names_in_folder(const struct names *n, const char *folder)
{
    struct names found = {0};
    size_t skip = folder[0] == '\0' ? 0 : strlen(folder) + 1;

    for (size_t i = 0; i < n->count; i++) {
        const char *path = n->at[i].path;

        if (skip != 0 &&
            (strncmp(path, folder, skip - 1) != 0 || path[skip - 1] != '/'))
            continue;
        const char *end = strchr(path + skip, '/');
        char *part =
            mem_dup(path + skip, end == NULL ? strlen(path + skip)
                                             : (size_t)(end - path) - skip);
        names_set(&found, part, end == NULL ? n->at[i].node : NULL);
        free(part);
    }
    return found;
}

void names_fini(struct names *n)
{
    for (size_t i = 0; i < n->count; i++)
        free(n->at[i].path);
    free(n->at);
    *n = (struct names){0};
}

void names_log_fini(struct names_log *log)
{
    for (size_t i = 0; i < log->count; i++)
        free_change(&log->at[i]);
    free(log->at);
    *log = (struct names_log){0};
}
