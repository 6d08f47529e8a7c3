#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "store/history_inside.h"
#include "store/inside.h"
#include "store/recovery.h"

enum { SEGMENT_BYTES = 64 << 20 };

/* The number in the lock file, for the message; it is only a hint. */
static int report_locked(struct disk *d, struct error *err)
{
    char pid[24] = "";
    struct file *f;

    if (d->ops->open(d, "lock", DISK_READ, &f) == 0) {
        int64_t n = d->ops->pread(f, pid, sizeof(pid) - 1, 0);

        pid[n < 0 ? 0 : n] = '\0';
        pid[strcspn(pid, "\n")] = '\0';
        d->ops->close(f);
    }
    return error_set(err, ERR_LOCKED,
                     "the data folder is in use by another process (pid %s)",
                     pid);
}

static int lock_folder(struct disk *d, struct error *err)
{
    int rc = d->ops->lock(d);

    if (rc == ERR_LOCKED)
        return report_locked(d, err);
    if (rc != 0)
        return error_set(err, rc, "cannot lock the data folder: %s",
                         err_text(rc));
    return 0;
}

static uint64_t begin_settling(void *arg)
{
    return log_settle_begin(arg);
}

static bool settle(void *arg, uint64_t begun)
{
    return log_settle(arg, begun);
}

/* Replay the log, then begin a new one. */
static int open_log(struct store *s, struct error *err)
{
    const struct store_config *config = &s->config;
    struct segments segments;
    struct recovery_report report;

    int rc = segments_load(&segments, config->disk, config->segment_bytes, err);
    if (rc == 0)
        rc = recovery_run(
            &(struct recovery){.segments = &segments,
                               .disk = config->disk,
                               .directory = s->directory,
                               .logger = config->logger,
                               .upto = UINT64_MAX,
                               .keeps_bases = config->history_ms != 0},
            &report, err);
    if (rc == 0)
        rc = history_open(s, &segments, &report.last, err);
    if (rc == 0)
        rc = log_new(&(struct log_config){.clock = config->clock,
                                          .logger = config->logger,
                                          .durability = config->durability,
                                          .last = report.last,
                                          .make_room = history_make_room,
                                          .arg = s},
                     &segments, &s->log, err);
    segments_fini(&segments);
    if (rc == 0)
        directory_follow(s->directory,
                         &(struct directory_durable){.begin = begin_settling,
                                                     .settle = settle,
                                                     .arg = s->log});
    return rc;
}

void store_free(struct store *s)
{
    if (s->is_dropped)
        directory_drop(s->directory);
    else
        directory_close(s->directory);
    log_free(s->log);
    history_free(s->history);
    checkpointer_free(s->checkpointer);
    warmer_free(s->warmer);
    template_fini(&s->image);
    while (s->classes != NULL) {
        struct store_class *class = s->classes;

        s->classes = class->next;
        free(class);
    }
    pthread_mutex_destroy(&s->mutex);
    free(s);
}

static struct store *new_store(const struct store_config *config)
{
    struct store *s = mem_zalloc(sizeof(*s));

    s->config = *config;
    if (s->config.segment_bytes == 0)
        s->config.segment_bytes = SEGMENT_BYTES;
    pthread_mutex_init(&s->mutex, NULL);
    list_init(&s->clients);
    s->checkpointer = checkpointer_new(s);
    s->warmer = warmer_new(s);
    return s;
}

static int open_directory(struct store *s, struct error *err)
{
    const struct store_config *config = &s->config;

    return directory_open(
        &(struct directory_config){.path = config->directory_path,
                                   .logger = config->logger,
                                   .makes_anew = config->makes_directory_anew},
        &s->directory, err);
}

int store_open(const struct store_config *config, struct store **out,
               struct error *err)
{
    struct store *s = new_store(config);

    *out = NULL;
    int rc = vfs_init_library(err);
    if (rc == 0)
        rc = template_build(&s->image, err);
    if (rc == 0)
        rc = lock_folder(config->disk, err);
    if (rc == 0)
        rc = open_directory(s, err);
    if (rc == 0)
        rc = open_log(s, err);
    if (rc == 0)
        rc = rebuild_run(s, err);
    if (rc != 0) {
        store_free(s);
        return rc;
    }
    rc = class_move_sweep(config->disk);
    if (rc != 0)
        logger_printf(config->logger, LOG_WARN,
                      "what is left of a deleted class cannot be removed: %s",
                      err_text(rc));
    if (config->threads == STORE_LOG_THREAD) {
        log_start(s->log);
        checkpointer_start(s->checkpointer);
    }
    *out = s;
    return 0;
}

static void stop(struct store *s)
{
    warmer_stop(s->warmer);
    log_stop(s->log);
    checkpointer_stop(s->checkpointer);
}

void store_close(struct store *s)
{
    if (s == NULL)
        return;
    MUST(list_empty(&s->clients));
    stop(s);
    struct disk *d = s->config.disk;
    if (!checkpointer_keeps_log(s->checkpointer) && log_flush(s->log) == 0 &&
        directory_flush(s->directory, NULL) == 0 && d->ops->sync_all(d) == 0) {
        history_keep(s, UINT64_MAX);
        log_finish(s->log);
    }
    store_free(s);
}

void store_drop(struct store *s)
{
    stop(s);
    s->is_dropped = true;
    if (list_empty(&s->clients))
        store_free(s);
}

struct directory *store_directory(struct store *s)
{
    return s->directory;
}

int store_pump(struct store *s)
{
    int rc = log_pump(s->log);

    checkpointer_run(s->checkpointer);
    return rc;
}

void store_stats(struct store *s, struct store_stats *out)
{
    log_stats(s->log, out);
    out->checkpoints = checkpointer_count(s->checkpointer);
}

uint64_t store_hold_log(struct store *s)
{
    checkpointer_hold_log(s->checkpointer);
    return log_oldest(s->log);
}

void store_let_log_go(struct store *s)
{
    checkpointer_let_go(s->checkpointer);
}

int store_point(struct store *s, uint64_t *number, struct error *err)
{
    int rc = log_point(s->log, number);

    return rc == 0 ? 0
                   : error_set(err, rc,
                               "the log cannot be written: commits "
                               "after number %llu are not on disk",
                               (unsigned long long)*number);
}
