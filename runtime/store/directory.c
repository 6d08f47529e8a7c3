#include "store/directory_inside.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/rest.h"
#include "store/vfs.h"

enum {
    /* The longer notes wait, the fewer pages they are on; readers see them at
     * once, and the log has them. */
    DELAY_MS = 250,
    RETRY_MS = 1000,    /* after a failure */
    NOTES_MOST = 16384, /* that wait for the delay to pass */
};

/* ---- the thread ---- */

static struct timespec in_ms(int64_t ms)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    int64_t ns = t.tv_nsec + ms % 1000 * 1000000;
    t.tv_sec += ms / 1000 + ns / 1000000000;
    t.tv_nsec = ns % 1000000000;
    return t;
}

static size_t waiting(const struct directory *d)
{
    return d->pending.sealed_notes + d->pending.open->count;
}

/* Wait for the first note, then for more of them. */
static void wait_for_notes(struct directory *d)
{
    while (!d->is_stopping && waiting(d) == 0) {
        d->is_idle = true;
        rest_wait(&d->work, &d->pending.mutex);
    }
    d->is_idle = false;
    struct timespec end = in_ms(DELAY_MS);
    int rc = 0;
    while (rc == 0 && !d->is_stopping && waiting(d) < NOTES_MOST)
        rc = pthread_cond_timedwait(&d->work, &d->pending.mutex, &end);
}

static void wait_after_failure(struct directory *d)
{
    struct timespec end = in_ms(RETRY_MS);
    int rc = 0;

    while (rc == 0 && !d->is_stopping)
        rc = pthread_cond_timedwait(&d->work, &d->pending.mutex, &end);
}

static void *run(void *arg)
{
    struct directory *d = arg;

    pthread_mutex_lock(&d->pending.mutex);
    while (!d->is_stopping) {
        wait_for_notes(d);
        if (d->is_stopping)
            break;
        pthread_mutex_unlock(&d->pending.mutex);
        int rc = directory_flush(d, NULL);
        pthread_mutex_lock(&d->pending.mutex);
        if (rc != 0)
            wait_after_failure(d);
    }
    pthread_mutex_unlock(&d->pending.mutex);
    return NULL;
}

static void start(struct directory *d)
{
    sigset_t all;
    sigset_t before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    MUST(pthread_create(&d->thread, NULL, run, d) == 0);
    d->has_thread = true;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void stop(struct directory *d)
{
    if (!d->has_thread)
        return;
    pthread_mutex_lock(&d->pending.mutex);
    d->is_stopping = true;
    pthread_cond_signal(&d->work);
    pthread_mutex_unlock(&d->pending.mutex);
    pthread_join(d->thread, NULL);
    d->has_thread = false;
}

/* ---- opening and closing ---- */

static void remove_file(const char *path)
{
    static const char *const ends[] = {"", "-wal", "-shm"};

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        struct buf name = {0};

        buf_printf(&name, "%s%s", path, ends[i]);
        buf_add_byte(&name, '\0');
        unlink(name.p);
        buf_fini(&name);
    }
}

static void free_directory(struct directory *d)
{
    dirfile_close(&d->file);
    pending_fini(&d->pending);
    for (struct dirclass *c = d->classes, *next; c != NULL; c = next) {
        next = c->next;
        free(c);
    }
    pthread_mutex_destroy(&d->file_mutex);
    pthread_cond_destroy(&d->work);
    free(d->path);
    free(d);
}

static struct directory *new_directory(const struct directory_config *config)
{
    struct directory *d = mem_zalloc(sizeof(*d));
    pthread_condattr_t attr;

    d->logger = config->logger;
    if (config->path != NULL)
        d->path = mem_dup(config->path, strlen(config->path));
    pending_init(&d->pending);
    pthread_mutex_init(&d->file_mutex, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&d->work, &attr);
    pthread_condattr_destroy(&attr);
    return d;
}

int directory_open(const struct directory_config *config,
                   struct directory **out, struct error *err)
{
    struct error why = {0};

    *out = NULL;
    int rc = vfs_init_library(err);
    if (rc != 0)
        return rc;
    struct directory *d = new_directory(config);
    if (config->makes_anew && d->path != NULL)
        remove_file(d->path);
    rc = dirfile_open(&d->file, d->path, &why);
    if (rc == 0)
        rc = dirfile_prepare(&d->file, &d->is_new, &why);
    if (rc == 0)
        rc = directory_load_classes(d, &why);
    if (rc != 0) {
        free_directory(d);
        return error_set(err, rc, "%s", why.text);
    }
    if (d->path != NULL)
        start(d);
    *out = d;
    return 0;
}

void directory_close(struct directory *d)
{
    if (d == NULL)
        return;
    stop(d);
    directory_flush(d, NULL);
    free_directory(d);
}

void directory_drop(struct directory *d)
{
    if (d == NULL)
        return;
    stop(d);
    free_directory(d);
}

void directory_follow(struct directory *d,
                      const struct directory_durable *durable)
{
    if (d->path == NULL)
        return;
    /* What recovery noted is written meanwhile. */
    pthread_mutex_lock(&d->file_mutex);
    d->durable = *durable;
    pthread_mutex_unlock(&d->file_mutex);
}

bool directory_is_new(const struct directory *d)
{
    return d->is_new;
}

int directory_complete(struct directory *d, struct error *err)
{
    struct error why = {0};
    int rc = directory_flush(d, err);

    if (rc != 0)
        return rc;
    pthread_mutex_lock(&d->file_mutex);
    rc = dirfile_mark_whole(&d->file, &why);
    pthread_mutex_unlock(&d->file_mutex);
    if (rc != 0)
        return error_set(err, rc, "%s", why.text);
    d->is_new = false;
    return 0;
}

/* ---- notes ---- */

void directory_note(struct directory *d, const struct directory_entry *e,
                    unsigned known)
{
    struct note n = {
        .id = e->id,
        .known = known,
        .name = e->name,
        .created = e->created,
        .last_commit = e->last_commit,
        .bytes = e->bytes,
        .next_alarm = e->next_alarm,
        .dead = e->dead,
    };

    if ((known & DIRECTORY_NEW) != 0)
        n.known |= DIRECTORY_FIELDS;
    pthread_mutex_lock(&d->pending.mutex);
    n.class = directory_intern(d, e->class_name);
    batch_add(d->pending.open, &n);
    size_t count = waiting(d);
    bool wakes = d->is_idle || count == NOTES_MOST;
    d->is_idle = false;
    pthread_mutex_unlock(&d->pending.mutex);
    if (d->has_thread && wakes)
        pthread_cond_signal(&d->work);
    else if (!d->has_thread && count >= NOTES_MOST)
        directory_flush(d, NULL);
}

int directory_flush(struct directory *d, struct error *err)
{
    pthread_mutex_lock(&d->file_mutex);
    int rc = directory_write(d, err);
    pthread_mutex_unlock(&d->file_mutex);
    return rc;
}
