#include "base/logline.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/logtext.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/rest.h"

enum {
    QUEUE_MAX = 8 * 1024 * 1024, /* bytes of lines that wait */
    KEPT_MAX = 64 * 1024,        /* of an empty queue's memory */
    PIECE_MAX = 1024 * 1024,     /* bytes of one write to a file */
    POLL_MS = 100,
    GIVE_UP_MS = 500 /* a reader that takes nothing when we end */
};

struct logger {
    /* Takes each line instead of a thread; NULL: the thread does. */
    void (*take)(void *arg, const struct log_line *line);
    void *arg;
    int fd;
    enum log_format format;
    enum log_level lowest;
    const struct clock *clock;
    bool is_coloured;
    size_t piece; /* bytes that one write takes without blocking for good */

    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t filled;
    /* Under the mutex from here on. */
    struct buf queue; /* whole lines */
    uint64_t dropped; /* lines, since the last report */
    bool is_stopping;
};

static void format_line(const struct logger *l, const struct log_line *line,
                        struct buf *out)
{
    int64_t now = clock_wall_ms(l->clock);

    if (l->format == LOG_JSON)
        logtext_json(line, now, out);
    else
        logtext_readable(line, now, l->is_coloured, out);
}

static void add_dropped(const struct logger *l, uint64_t dropped,
                        struct buf *out)
{
    char text[80];

    snprintf(text, sizeof(text), "%llu log lines dropped: reader too slow",
             (unsigned long long)dropped);
    format_line(
        l, &(struct log_line){.level = LOG_WARN, .message = slice_of(text)},
        out);
}

/* Wait for lines and move them to `batch`, which is empty.  Returns false
 * when there are none and none will come. */
static bool take_batch(struct logger *l, struct buf *batch)
{
    pthread_mutex_lock(&l->mutex);
    while (l->queue.n == 0 && !l->is_stopping)
        rest_wait(&l->filled, &l->mutex);

    struct buf empty = *batch;
    *batch = l->queue;
    l->queue = empty;
    uint64_t dropped = l->dropped;
    l->dropped = 0;
    pthread_mutex_unlock(&l->mutex);

    if (dropped != 0)
        add_dropped(l, dropped, batch);
    return batch->n != 0;
}

static bool is_stopping(struct logger *l)
{
    pthread_mutex_lock(&l->mutex);
    bool stopping = l->is_stopping;
    pthread_mutex_unlock(&l->mutex);
    return stopping;
}

/* Wait until the reader takes something.  Returns false when it has not for
 * GIVE_UP_MS while the logger ends. */
static bool wait_writable(struct logger *l)
{
    struct pollfd p = {.fd = l->fd, .events = POLLOUT};
    int waited = 0;

    while (poll(&p, 1, POLL_MS) == 0) {
        waited = is_stopping(l) ? waited + POLL_MS : 0;
        if (waited >= GIVE_UP_MS)
            return false;
    }
    return true;
}

/* What cannot be written (a closed pipe, a full disk) is lost. */
static void write_batch(struct logger *l, const struct buf *batch)
{
    size_t at = 0;

    while (at < batch->n && wait_writable(l)) {
        size_t left = batch->n - at;
        ssize_t done =
            write(l->fd, batch->p + at, left < l->piece ? left : l->piece);

        if (done < 0 && errno != EINTR && errno != EAGAIN)
            return;
        if (done > 0)
            at += (size_t)done;
    }
}

static void *run(void *arg)
{
    struct logger *l = arg;
    struct buf batch = {0};

    while (take_batch(l, &batch)) {
        write_batch(l, &batch);
        batch.n = 0;
        if (batch.cap > KEPT_MAX)
            buf_fini(&batch);
    }
    buf_fini(&batch);
    return NULL;
}

static bool wants_colour(int fd)
{
    const char *term = getenv("TERM");

    return isatty(fd) && getenv("NO_COLOR") == NULL && term != NULL &&
           strcmp(term, "dumb") != 0;
}

/* A pipe or terminal that poll calls writable takes PIPE_BUF bytes. */
static size_t piece_of(int fd)
{
    struct stat st;

    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        return PIECE_MAX;
    return 4096;
}

struct logger *logger_new(int fd, enum log_format format, enum log_level lowest,
                          const struct clock *clock)
{
    struct logger *l = mem_zalloc(sizeof(*l));

    l->fd = fd;
    l->format = format;
    l->lowest = lowest;
    l->clock = clock;
    l->is_coloured = format == LOG_READABLE && wants_colour(fd);
    l->piece = piece_of(fd);
    pthread_mutex_init(&l->mutex, NULL);
    pthread_cond_init(&l->filled, NULL);
    MUST(pthread_create(&l->thread, NULL, run, l) == 0);
    return l;
}

struct logger *logger_new_taken(enum log_level lowest,
                                void (*take)(void *arg,
                                             const struct log_line *line),
                                void *arg)
{
    struct logger *l = mem_zalloc(sizeof(*l));

    l->lowest = lowest;
    l->take = take;
    l->arg = arg;
    return l;
}

static void stop(struct logger *l)
{
    pthread_mutex_lock(&l->mutex);
    l->is_stopping = true;
    pthread_cond_signal(&l->filled);
    pthread_mutex_unlock(&l->mutex);
    pthread_join(l->thread, NULL);

    pthread_cond_destroy(&l->filled);
    pthread_mutex_destroy(&l->mutex);
    buf_fini(&l->queue);
}

void logger_free(struct logger *l)
{
    if (l == NULL)
        return;
    if (l->take == NULL)
        stop(l);
    free(l);
}

static void enqueue(struct logger *l, const struct buf *text)
{
    pthread_mutex_lock(&l->mutex);
    bool was_empty = l->queue.n == 0;

    if (l->queue.n + text->n <= QUEUE_MAX)
        buf_add(&l->queue, text->p, text->n);
    else
        l->dropped++;
    if (was_empty)
        pthread_cond_signal(&l->filled);
    pthread_mutex_unlock(&l->mutex);
}

void logger_write(struct logger *l, const struct log_line *line)
{
    struct buf text = {0};

    if (l == NULL || line->level < l->lowest)
        return;
    if (l->take != NULL) {
        l->take(l->arg, line);
        return;
    }
    format_line(l, line, &text);
    enqueue(l, &text);
    buf_fini(&text);
}

void logger_printf(struct logger *l, enum log_level level, const char *format,
                   ...)
{
    char text[2048];
    va_list args;

    if (l == NULL || level < l->lowest)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    logger_write(l,
                 &(struct log_line){.level = level, .message = slice_of(text)});
}
