/* What of the log becomes history, and for how long. */
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/mem.h"
#include "store/archive.h"
#include "store/base.h"
#include "store/history_inside.h"
#include "store/inside.h"

#define SINCE "history/since"

struct since_bytes {
    char magic[8];
    uint64_t sequence;
    int64_t time_ms;
    uint64_t sum; /* of what is before it */
};

static const char since_magic[8] = "MKSINCE1";

int history_write_file(struct disk *d, const char *making, const char *path,
                       const void *p, size_t n)
{
    struct file *f;
    const struct iovec v = {(void *)(uintptr_t)p, n};
    int rc = d->ops->open(d, making, DISK_WRITE | DISK_CREATE, &f);

    if (rc != 0)
        return rc;
    rc = d->ops->truncate(f, 0);
    if (rc == 0)
        rc = d->ops->pwritev(f, &v, 1, 0);
    if (rc == 0)
        rc = d->ops->sync(f);
    d->ops->close(f);
    return rc != 0 ? rc : d->ops->rename(d, making, path);
}

/* ---- since when ---- */

static void read_since(struct disk *d, struct history *h)
{
    struct since_bytes b;
    struct file *f;

    if (d->ops->open(d, SINCE, DISK_READ, &f) != 0)
        return;
    int64_t n = d->ops->pread(f, &b, sizeof(b), 0);
    d->ops->close(f);
    if (n != (int64_t)sizeof(b) ||
        memcmp(b.magic, since_magic, sizeof(b.magic)) != 0 ||
        b.sum != XXH3_64bits(&b, offsetof(struct since_bytes, sum)))
        return;
    h->since = b.sequence;
    h->since_ms = b.time_ms;
}

static int begin(struct store *s, uint64_t sequence)
{
    struct disk *d = s->config.disk;
    struct history *h = s->history;
    struct since_bytes b = {.sequence = sequence,
                            .time_ms = clock_wall_ms(s->config.clock)};

    memcpy(b.magic, since_magic, sizeof(b.magic));
    b.sum = XXH3_64bits(&b, offsetof(struct since_bytes, sum));
    int rc = history_write_file(d, SINCE ".new", SINCE, &b, sizeof(b));
    if (rc == 0)
        rc = d->ops->sync_folder(d, "history");
    if (rc == 0)
        rc = d->ops->sync_folder(d, "");
    h->since = b.sequence;
    h->since_ms = b.time_ms;
    return rc;
}

/* What is logged from now on is no use to history. */
static int end(struct store *s)
{
    struct disk *d = s->config.disk;

    s->history->since = 0;
    int rc = d->ops->remove(d, SINCE);
    if (rc == 0)
        rc = d->ops->sync_folder(d, "history");
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

int64_t history_since(const struct store *s, uint64_t sequence)
{
    return s->history->since == sequence ? s->history->since_ms : 0;
}

/* ---- keeping ---- */

static void say(const struct store *s, const struct error *err)
{
    logger_printf(s->config.logger, LOG_ERROR,
                  "history is not kept, and begins anew: %s", err->text);
}

/* Remove the first `n` archives, and what only they lead to. */
static int remove_first(struct disk *d, const struct archive *all, size_t n)
{
    int rc = 0;

    for (size_t i = 0; i < n && rc == 0; i++)
        rc = archive_remove(d, all[i].sequence);
    return rc == 0 && n != 0 ? base_expire(d, all[n - 1].last) : rc;
}

/* Remove what is older than the configuration says, never what is behind. */
static void expire(struct store *s)
{
    struct disk *d = s->config.disk;
    int64_t oldest = clock_wall_ms(s->config.clock) - s->config.history_ms;
    struct error err = {0};
    struct archive *all = NULL;
    size_t n = 0;
    size_t first = 0;
    int rc = archive_list(d, &all, &n, &err);

    for (size_t i = 0; rc == 0 && i < n; i++)
        if (all[i].last_ms != 0 && all[i].last_ms < oldest)
            first = i + 1;
    if (rc == 0)
        rc = remove_first(d, all, first);
    if (rc == 0 && first != 0)
        rc = history_cut_expire(d, all[first - 1].last);
    if (rc != 0)
        logger_printf(s->config.logger, LOG_WARN,
                      "old history cannot be removed: %s", err_text(rc));
    free(all);
}

bool history_make_room(void *arg)
{
    struct store *s = arg;
    struct disk *d = s->config.disk;
    struct archive *all = NULL;
    size_t n = 0;
    bool is_done = archive_list(d, &all, &n, NULL) == 0 && n != 0 &&
                   remove_first(d, all, 1) == 0;

    free(all);
    if (is_done)
        logger_printf(s->config.logger, LOG_WARN,
                      "the disk is full: the oldest history is removed");
    return is_done;
}

/* On a full disk what is old gives way to what is new. */
static int keep_one(struct store *s, const struct segments *segments, size_t i,
                    struct error *err)
{
    int rc;

    do {
        rc = archive_segment(s->config.disk, segments, i, err);
    } while (rc == ERR_FULL && history_make_room(s));
    return rc;
}

/* What is kept does not join up with the log any more.  Cuts are true of what
 * is kept next, too. */
static int drop_all(struct store *s)
{
    struct disk *d = s->config.disk;
    struct archive *all = NULL;
    size_t n = 0;
    int rc = archive_list(d, &all, &n, NULL);

    if (rc == 0)
        rc = remove_first(d, all, n);
    free(all);
    return rc != 0 ? rc : base_expire(d, UINT64_MAX);
}

static void keep(struct store *s, const struct segments *segments,
                 uint64_t sequence)
{
    struct error err = {0};
    int rc = 0;

    for (size_t i = 0; i < segments->live_count && rc == 0; i++) {
        uint64_t its = segments->live[i].head.sequence;

        if (its >= s->history->since && its <= sequence)
            rc = keep_one(s, segments, i, &err);
    }
    if (rc == 0) {
        expire(s);
        return;
    }
    say(s, &err);
    drop_all(s);
}

void history_keep(struct store *s, uint64_t sequence)
{
    struct segments segments;
    struct error err = {0};

    if (s->config.history_ms == 0)
        return;
    if (segments_load_guest(&segments, s->config.disk, log_oldest(s->log),
                            &err) != 0) {
        say(s, &err);
        return;
    }
    keep(s, &segments, sequence);
    segments_fini(&segments);
}

/* ---- */

/* The log is not the one that the history was made of, but has begun again:
 * nothing of it can be used. */
static int drop_foreign(struct store *s, uint64_t next)
{
    struct archive *all = NULL;
    size_t n = 0;
    int rc = archive_list(s->config.disk, &all, &n, NULL);
    bool is_foreign =
        s->history->since > next || (n != 0 && all[n - 1].sequence >= next);

    free(all);
    if (rc != 0 || !is_foreign)
        return rc;
    logger_printf(s->config.logger, LOG_WARN,
                  "the history in the data folder is of another log, and "
                  "begins anew");
    rc = end(s);
    return rc != 0 ? rc : drop_all(s);
}

/* Nothing of the data is lost without history, so the store opens. */
static void begin_or_do_without(struct store *s, uint64_t next)
{
    struct error err = {0};
    int rc = begin(s, next);

    if (rc == 0)
        return;
    error_set(&err, rc, "cannot write into the folder history: %s",
              err_text(rc));
    logger_printf(s->config.logger, LOG_ERROR,
                  "no history is kept until the next start: %s", err.text);
    s->history->since = 0;
    s->config.history_ms = 0;
}

/* What was kept ends with a run that keeps none. */
static int stop_keeping(struct store *s)
{
    int rc = end(s);

    return rc != 0 ? rc : drop_all(s);
}

static int has_one(void *arg, const char *name, bool is_folder)
{
    (void)arg;
    (void)name;
    (void)is_folder;
    return 1;
}

/* Whether there are objects without a log: a restored backup. */
static bool is_from_outside(const struct store *s,
                            const struct segments *loaded)
{
    struct disk *d = s->config.disk;

    return loaded->next == 1 && d->ops->list(d, "objects", has_one, NULL) == 1;
}

/* Numbers begin at 0, and hardly grow by 1,024 in a millisecond: those that
 * begin at the time, in 1/1,024 ms, are above all that the objects had
 * elsewhere. */
static uint64_t begin_number(const struct store *s, bool is_foreign,
                             uint64_t last)
{
    uint64_t now = (uint64_t)clock_wall_ms(s->config.clock) << 10;
    uint64_t cut = history_cut_last(s->config.disk);

    if (is_foreign && now > last)
        last = now;
    return cut >= last && cut != 0 ? cut + 1 : last;
}

int history_open(struct store *s, const struct segments *loaded, uint64_t *last,
                 struct error *err)
{
    struct history *h = mem_zalloc(sizeof(*h));

    s->history = h;
    pthread_mutex_init(&h->mutex, NULL);
    pthread_mutex_init(&h->writing, NULL);
    read_since(s->config.disk, h);
    archive_sweep(s->config.disk);
    int rc = drop_foreign(s, loaded->next);
    bool is_foreign = is_from_outside(s, loaded);

    if (is_foreign)
        h->since = 0;
    if (rc == 0 && s->config.history_ms == 0 && h->since != 0)
        rc = stop_keeping(s);
    if (rc != 0)
        return error_set(err, rc, "cannot write into the folder history: %s",
                         err_text(rc));
    if (s->config.history_ms != 0 && h->since == 0)
        begin_or_do_without(s, loaded->next);
    else if (s->config.history_ms != 0)
        keep(s, loaded, UINT64_MAX);
    *last = begin_number(s, is_foreign, *last);
    return armed_load(s, err);
}

void history_free(struct history *h)
{
    if (h == NULL)
        return;
    pthread_mutex_destroy(&h->mutex);
    pthread_mutex_destroy(&h->writing);
    armed_fini(h);
    free(h);
}
