#include "host/watch.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"

enum { DEPTH_MAX = 8, ENTRIES_MAX = 4096 };

/* What tells one state of a file from another; zero: it does not exist. */
struct state {
    int64_t mtime_ns, ctime_ns;
    uint64_t inode;
    int64_t size;
};

struct entry {
    char *path; /* owned */
    struct state state;
    bool is_folder; /* watched for names that come and go */
};

struct entries {
    struct entry *list; /* owned */
    size_t count, cap;
};

struct watch {
    struct entries roots; /* what was asked for */
    struct entries skips; /* folders not to look into */
    struct entries found; /* what that comes to now */
    char *changed;        /* the path returned last; owned */
};

static int64_t nanoseconds(struct timespec t)
{
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static struct state look(const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return (struct state){0};
    return (struct state){nanoseconds(st.st_mtim), nanoseconds(st.st_ctim),
                          st.st_ino, st.st_size};
}

static bool same_state(const struct state *a, const struct state *b)
{
    return a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns &&
           a->inode == b->inode && a->size == b->size;
}

/* Takes over `path`. */
static void add(struct entries *e, char *path, bool is_folder)
{
    if (e->count == e->cap) {
        e->cap = e->cap == 0 ? 16 : e->cap * 2;
        e->list = mem_realloc(e->list, e->cap * sizeof(*e->list));
    }
    e->list[e->count++] = (struct entry){
        .path = path, .state = look(path), .is_folder = is_folder};
}

static void clear(struct entries *e)
{
    for (size_t i = 0; i < e->count; i++)
        free(e->list[i].path);
    free(e->list);
    *e = (struct entries){0};
}

static bool is_script(const char *name)
{
    size_t n = strlen(name);

    return n > 4 && strcmp(name + n - 4, ".lua") == 0 &&
           strcmp(name, "moonkeep.lua") != 0;
}

static bool is_skipped_name(const char *name)
{
    return name[0] == '.' || strcmp(name, "node_modules") == 0;
}

/* Links to folders are not followed: they could lead back. */
static bool is_folder(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool is_skipped_folder(const struct watch *w, const char *path)
{
    for (size_t i = 0; i < w->skips.count; i++) {
        struct state skip = look(w->skips.list[i].path);
        struct state here = look(path);

        if (skip.inode != 0 && skip.inode == here.inode)
            return true;
    }
    return false;
}

static void scan(const struct watch *w, struct entries *e, const char *folder,
                 int depth);

/* Takes over `path`. */
static void scan_name(const struct watch *w, struct entries *e, char *path,
                      int depth)
{
    const char *name = strrchr(path, '/') + 1;
    bool is_kept = !is_skipped_name(name) && e->count < ENTRIES_MAX;

    if (is_kept && is_folder(path)) {
        if (depth < DEPTH_MAX && !is_skipped_folder(w, path))
            scan(w, e, path, depth + 1);
    } else if (is_kept && is_script(name)) {
        add(e, path, false);
        return;
    }
    free(path);
}

/* Add the folder itself before its names are read: one that comes meanwhile
 * then shows as a change. */
static void scan(const struct watch *w, struct entries *e, const char *folder,
                 int depth)
{
    DIR *d = opendir(folder);

    add(e, mem_dup(folder, strlen(folder)), true);
    if (d == NULL)
        return;
    for (struct dirent *name; (name = readdir(d)) != NULL;) {
        char *path = NULL;

        if (asprintf(&path, "%s/%s", folder, name->d_name) >= 0)
            scan_name(w, e, path, depth);
    }
    closedir(d);
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->path,
                  ((const struct entry *)b)->path);
}

/* Add what is to be watched for the sake of `root`. */
static void find_root(const struct watch *w, struct entries *e,
                      const struct entry *root)
{
    if (root->is_folder)
        scan(w, e, root->path, 1);
    else
        add(e, mem_dup(root->path, strlen(root->path)), false);
}

static void sort(struct entries *e)
{
    if (e->count != 0)
        qsort(e->list, e->count, sizeof(*e->list), by_path);
}

static struct entries find(const struct watch *w)
{
    struct entries found = {0};

    for (size_t i = 0; i < w->roots.count; i++)
        find_root(w, &found, &w->roots.list[i]);
    sort(&found);
    return found;
}

struct watch *watch_new(void)
{
    return mem_zalloc(sizeof(struct watch));
}

void watch_free(struct watch *w)
{
    if (w == NULL)
        return;
    clear(&w->roots);
    clear(&w->skips);
    clear(&w->found);
    free(w->changed);
    free(w);
}

static bool is_root(const struct watch *w, const char *path, bool folder)
{
    for (size_t i = 0; i < w->roots.count; i++) {
        const struct entry *root = &w->roots.list[i];

        if (root->is_folder == folder && strcmp(root->path, path) == 0)
            return true;
    }
    return false;
}

/* What was watched before keeps the state that it had: it may have changed
 * since. */
static void watch_root(struct watch *w, const char *path, bool folder)
{
    if (is_root(w, path, folder))
        return;
    add(&w->roots, mem_dup(path, strlen(path)), folder);
    struct entries all = w->found;
    size_t known = all.count;

    find_root(w, &all, &w->roots.list[w->roots.count - 1]);
    for (size_t i = known; i < all.count && known != 0; i++) {
        const struct entry *before =
            bsearch(&all.list[i], all.list, known, sizeof(*all.list), by_path);

        if (before != NULL)
            all.list[i].state = before->state;
    }
    sort(&all);
    w->found = all;
}

void watch_file(struct watch *w, const char *path)
{
    watch_root(w, path, false);
}

void watch_folder(struct watch *w, const char *folder)
{
    watch_root(w, folder, true);
}

void watch_skip(struct watch *w, const char *path)
{
    add(&w->skips, mem_dup(path, strlen(path)), true);
}

static bool is_as_found(const struct entries *e)
{
    for (size_t i = 0; i < e->count; i++) {
        struct state now = look(e->list[i].path);

        if (!same_state(&now, &e->list[i].state))
            return false;
    }
    return true;
}

/* The next file from `*at` on, folders left out; NULL at the end. */
static const struct entry *next_file(const struct entries *e, size_t *at)
{
    while (*at < e->count && e->list[*at].is_folder)
        ++*at;
    return *at < e->count ? &e->list[(*at)++] : NULL;
}

/* The path of the first file that is in one only, or not in the same state;
 * NULL when there is none.  Both are sorted. */
static const char *difference(const struct entries *a, const struct entries *b)
{
    size_t i = 0, j = 0;

    for (;;) {
        const struct entry *x = next_file(a, &i);
        const struct entry *y = next_file(b, &j);

        if (x == NULL || y == NULL)
            return x != NULL ? x->path : y != NULL ? y->path : NULL;
        int order = strcmp(x->path, y->path);
        if (order != 0)
            return order < 0 ? x->path : y->path;
        if (!same_state(&x->state, &y->state))
            return x->path;
    }
}

const char *watch_changed(struct watch *w)
{
    if (is_as_found(&w->found))
        return NULL;
    struct entries now = find(w);
    const char *path = difference(&w->found, &now);

    free(w->changed);
    w->changed = path == NULL ? NULL : mem_dup(path, strlen(path));
    clear(&w->found);
    w->found = now;
    return w->changed;
}
