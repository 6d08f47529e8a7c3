#include "cli/scraps.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/must.h"
#include "cli/signals.h"
#include "host/copying.h"

enum { OLD_SECONDS = 3600 };

static void remove_file(const char *path, const char *suffix)
{
    struct buf full = {0};

    buf_printf(&full, "%s%s", path, suffix);
    buf_add_byte(&full, '\0');
    unlink(full.p);
    buf_fini(&full);
}

/* The rest of the command works on: what it makes anew in a folder that is
 * being removed would be left. */
static void remove_all(const char *path)
{
    enum { TRIES = 10 };

    remove_file(path, "-journal");
    remove_file(path, "-wal");
    remove_file(path, "-shm");
    for (int i = 0; i < TRIES && access(path, F_OK) == 0; i++)
        copying_remove(path, NULL);
}

static int next_signal(void)
{
    int got;

    do
        got = signals_wait(-1);
    while (got == SIGHUP && signals_hangup_ignored());
    return got;
}

static void *wait_for_signal(void *arg)
{
    struct scraps *s = arg;
    int got = next_signal();

    pthread_mutex_lock(&s->mutex);
    if (s->is_over) {
        pthread_mutex_unlock(&s->mutex);
        return NULL;
    }
    if (s->path != NULL)
        remove_all(s->path);
    signals_restore();
    kill(getpid(), got);
    return NULL;
}

void scraps_start(struct scraps *s)
{
    s->is_over = false;
    s->path = NULL;
    signals_block();
    MUST(pthread_mutex_init(&s->mutex, NULL) == 0);
    MUST(pthread_create(&s->thread, NULL, wait_for_signal, s) == 0);
}

void scraps_set(struct scraps *s, const char *path)
{
    pthread_mutex_lock(&s->mutex);
    free(s->path);
    s->path = path == NULL ? NULL : mem_dup(path, strlen(path));
    pthread_mutex_unlock(&s->mutex);
}

void scraps_end(struct scraps *s)
{
    pthread_mutex_lock(&s->mutex);
    s->is_over = true;
    pthread_mutex_unlock(&s->mutex);
    pthread_kill(s->thread, SIGINT); /* to that thread alone: it wakes */
    pthread_join(s->thread, NULL);
    signals_restore();
    pthread_mutex_destroy(&s->mutex);
    free(s->path);
}

static bool is_scrap(int folder, const char *name)
{
    const size_t n = strlen(SCRAPS_IMPORT);
    struct stat st;

    if (strncmp(name, SCRAPS_IMPORT, n) != 0)
        return false;
    long pid = strtol(name + n, NULL, 10);
    return pid > 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH &&
           fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISREG(st.st_mode) && time(NULL) - st.st_mtime > OLD_SECONDS;
}

void scraps_sweep(const char *folder)
{
    DIR *d = opendir(folder);
    struct dirent *entry;

    if (d == NULL)
        return;
    while ((entry = readdir(d)) != NULL)
        if (is_scrap(dirfd(d), entry->d_name))
            unlinkat(dirfd(d), entry->d_name, 0);
    closedir(d);
}
