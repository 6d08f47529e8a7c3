#include "base/disk.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/disk_node.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/random.h"

struct sim {
    struct disk base;
    pthread_mutex_t mutex; /* all below */
    struct random random;
    struct names now, durable;
    struct names_log log;    /* changes of names since the last sync */
    struct disk_node *nodes; /* every file that still has or had a name */
    uint64_t life;           /* grows with each restart: older files are void */
    int64_t steps, crash_at, capacity;
    bool is_dead, sync_fails;
};

struct sim_file {
    struct file base;
    struct disk_node *node;
    uint64_t life;
};

static struct sim *sim_of(struct disk *d)
{
    return container_of(d, struct sim, base);
}

static struct sim_file *file_of(struct file *f)
{
    return container_of(f, struct sim_file, base);
}

static struct sim *enter(struct disk *d)
{
    struct sim *s = sim_of(d);

    pthread_mutex_lock(&s->mutex);
    return s;
}

static int leave(struct sim *s, int rc)
{
    pthread_mutex_unlock(&s->mutex);
    return rc;
}

/* The disk of `f`, entered; `*rc` is ERR_IO when nothing may be done. */
static struct sim *enter_file(struct file *f, int *rc)
{
    struct sim *s = enter(f->disk);

    *rc = s->is_dead || file_of(f)->life != s->life ? ERR_IO : 0;
    return s;
}

/* Count one change.  After the last one everything fails; the change itself
 * has been noted as not synced, so the restart decides what is left of it. */
static int step(struct sim *s)
{
    s->steps++;
    if (s->crash_at != 0 && s->steps >= s->crash_at)
        s->is_dead = true;
    return s->is_dead ? ERR_IO : 0;
}

static int64_t bytes_used(const struct sim *s)
{
    int64_t sum = 0;

    for (size_t i = 0; i < s->now.count; i++)
        sum += (int64_t)s->now.at[i].node->now.n;
    return sum;
}

/* May the file grow so that it ends at `end`? */
static int check_room(const struct sim *s, const struct disk_node *n,
                      int64_t end)
{
    int64_t more = end - (int64_t)n->now.n;

    if (s->capacity < 0 || more <= 0)
        return 0;
    return bytes_used(s) + more > s->capacity ? ERR_FULL : 0;
}

static int open_locked(struct sim *s, const char *path, int flags,
                       struct disk_node **out)
{
    if (s->is_dead)
        return ERR_IO;
    *out = names_find(&s->now, path);
    if (*out != NULL)
        return (flags & DISK_EXCLUSIVE) != 0 ? ERR_EXISTS : 0;
    if ((flags & DISK_CREATE) == 0)
        return ERR_NOT_FOUND;
    *out = disk_node_new(&s->nodes);
    names_change(&s->log, &s->now,
                 &(struct name_change){NAME_MADE, path, NULL, *out});
    return step(s);
}

static int sim_open(struct disk *d, const char *path, int flags,
                    struct file **out)
{
    struct sim *s = enter(d);
    struct disk_node *node = NULL;

    *out = NULL;
    int rc = open_locked(s, path, flags, &node);
    if (rc != 0)
        return leave(s, rc);
    struct sim_file *f = mem_alloc(sizeof(*f));
    *f = (struct sim_file){{d}, node, s->life};
    *out = &f->base;
    return leave(s, 0);
}

static void sim_close(struct file *f)
{
    free(file_of(f));
}

static int64_t sim_pread(struct file *f, void *p, size_t n, int64_t at)
{
    int rc;
    struct sim *s = enter_file(f, &rc);

    if (rc != 0)
        return leave(s, rc);
    const struct buf *b = &file_of(f)->node->now;
    size_t from = (size_t)at < b->n ? (size_t)at : b->n;
    if (n > b->n - from)
        n = b->n - from;
    if (n != 0)
        memcpy(p, b->p + from, n);
    leave(s, 0);
    return (int64_t)n;
}

static int sim_pwritev(struct file *f, const struct iovec *v, int n, int64_t at)
{
    int64_t end = at;
    int rc;
    struct sim *s = enter_file(f, &rc);

    for (int i = 0; i < n; i++)
        end += (int64_t)v[i].iov_len;
    if (rc == 0)
        rc = check_room(s, file_of(f)->node, end);
    if (rc == 0) {
        disk_node_write(file_of(f)->node, v, n, at);
        rc = step(s);
    }
    return leave(s, rc);
}

/* Step, and whether this sync is the one that was asked to fail. */
static int sync_step(struct sim *s, bool *fails)
{
    int rc = step(s);

    *fails = rc == 0 && s->sync_fails;
    if (*fails)
        s->sync_fails = false;
    return rc;
}

static int sim_sync(struct file *f)
{
    int rc;
    bool fails;
    struct sim *s = enter_file(f, &rc);

    if (rc == 0)
        rc = sync_step(s, &fails);
    if (rc != 0)
        return leave(s, rc);
    if (fails)
        disk_node_crash(file_of(f)->node, &s->random);
    else
        disk_node_sync(file_of(f)->node);
    return leave(s, fails ? ERR_IO : 0);
}

static int resize(struct file *f, int64_t size, bool only_up)
{
    int rc;
    struct sim *s = enter_file(f, &rc);
    struct disk_node *node = file_of(f)->node;

    if (rc == 0)
        rc = check_room(s, node, size);
    if (rc == 0 && !(only_up && (int64_t)node->now.n >= size)) {
        disk_node_resize(node, size);
        rc = step(s);
    }
    return leave(s, rc);
}

static int sim_truncate(struct file *f, int64_t size)
{
    return resize(f, size, false);
}

static int sim_allocate(struct file *f, int64_t size)
{
    return resize(f, size, true);
}

static int64_t sim_size(struct file *f)
{
    int rc;
    struct sim *s = enter_file(f, &rc);
    int64_t size = rc != 0 ? rc : (int64_t)file_of(f)->node->now.n;

    leave(s, 0);
    return size;
}

static int change_name(struct disk *d, const struct name_change *change)
{
    struct sim *s = enter(d);
    struct name_change c = *change;
    int rc = s->is_dead ? ERR_IO : names_check(&s->now, change);

    if (rc != 0)
        return leave(s, rc);
    c.node = names_find(&s->now, c.path);
    names_change(&s->log, &s->now, &c);
    return leave(s, step(s));
}

static int sim_remove(struct disk *d, const char *path)
{
    return change_name(d, &(struct name_change){NAME_GONE, path, NULL, NULL});
}

static int sim_rename(struct disk *d, const char *from, const char *to)
{
    return change_name(d, &(struct name_change){NAME_MOVED, from, to, NULL});
}

/* Sync the names in `folder`, or everything when it is NULL. */
static int sync_names(struct disk *d, const char *folder)
{
    struct sim *s = enter(d);
    bool fails;
    int rc = s->is_dead ? ERR_IO : sync_step(s, &fails);

    if (rc != 0)
        return leave(s, rc);
    for (struct disk_node *n = s->nodes; folder == NULL && n != NULL;
         n = n->next) {
        if (fails)
            disk_node_crash(n, &s->random);
        else
            disk_node_sync(n);
    }
    if (!fails)
        names_sync(&s->log, &s->durable, folder);
    return leave(s, fails ? ERR_IO : 0);
}

static int sim_sync_all(struct disk *d)
{
    return sync_names(d, NULL);
}

static int sim_sync_folder(struct disk *d, const char *path)
{
    return sync_names(d, path);
}

static int sim_list(struct disk *d, const char *path,
                    int (*each)(void *arg, const char *name, bool is_folder),
                    void *arg)
{
    struct sim *s = enter(d);

    if (s->is_dead)
        return leave(s, ERR_IO);
    /* `each` may use the disk, so it is called on a copy. */
    struct names copy = names_in_folder(&s->now, path);
    leave(s, 0);
    int rc = copy.count == 0 && path[0] != '\0' ? ERR_NOT_FOUND : 0;
    for (size_t i = 0; rc == 0 && i < copy.count; i++)
        rc = each(arg, copy.at[i].path, copy.at[i].node == NULL);
    names_fini(&copy);
    return rc;
}

static int sim_lock(struct disk *d)
{
    struct sim *s = enter(d);

    return leave(s, s->is_dead ? ERR_IO : 0);
}

static void sim_free(struct disk *d)
{
    struct sim *s = sim_of(d);

    names_fini(&s->now);
    names_fini(&s->durable);
    names_log_fini(&s->log);
    disk_nodes_free(&s->nodes);
    pthread_mutex_destroy(&s->mutex);
    free(s);
}

static const struct disk_ops sim_ops = {
    .open = sim_open,
    .close = sim_close,
    .pread = sim_pread,
    .pwritev = sim_pwritev,
    .sync = sim_sync,
    .truncate = sim_truncate,
    .allocate = sim_allocate,
    .size = sim_size,
    .remove = sim_remove,
    .rename = sim_rename,
    .sync_all = sim_sync_all,
    .sync_folder = sim_sync_folder,
    .list = sim_list,
    .lock = sim_lock,
    .free = sim_free,
};

struct disk *disk_sim_new(uint64_t seed)
{
    struct sim *s = mem_zalloc(sizeof(*s));

    s->base.ops = &sim_ops;
    s->capacity = -1;
    pthread_mutex_init(&s->mutex, NULL);
    random_init_seeded(&s->random, seed);
    return &s->base;
}

void disk_sim_crash_after(struct disk *d, int64_t n)
{
    struct sim *s = enter(d);

    s->crash_at = n == 0 ? 0 : s->steps + n;
    leave(s, 0);
}

int64_t disk_sim_steps(struct disk *d)
{
    struct sim *s = enter(d);
    int64_t steps = s->steps;

    leave(s, 0);
    return steps;
}

void disk_sim_restart(struct disk *d)
{
    struct sim *s = enter(d);

    for (struct disk_node *n = s->nodes; n != NULL; n = n->next) {
        disk_node_crash(n, &s->random);
        disk_node_reload(n);
    }
    names_crash(&s->log, &s->durable, &s->random);
    names_fini(&s->now);
    s->now = names_copy(&s->durable);
    s->life++;
    s->is_dead = false;
    s->sync_fails = false;
    s->crash_at = 0;
    leave(s, 0);
}

void disk_sim_capacity(struct disk *d, int64_t bytes)
{
    struct sim *s = enter(d);

    s->capacity = bytes;
    leave(s, 0);
}

void disk_sim_fail_sync(struct disk *d)
{
    struct sim *s = enter(d);

    s->sync_fails = true;
    leave(s, 0);
}
