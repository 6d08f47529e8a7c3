#include "store/warmer.h"

#include <signal.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/rest.h"
#include "store/inside.h"

enum {
    THREADS = 4,
    QUEUE_MAX = 4096,
    SLOW_NS = 60000, /* no disk is as fast, memory is some times faster */
    SLOW_MIN = 8,    /* of the last 64 */
    READ_BYTES = 8 * STORE_PAGE,
};

struct expected {
    struct store_class *class;
    struct oid id;
};

/* The last 64 times, a bit each: it took long. */
struct slowness {
    _Atomic uint64_t bits;
};

struct warmer {
    struct store *store;
    struct slowness workers, threads;
    pthread_mutex_t mutex; /* all below */
    pthread_cond_t work;
    struct expected *queue; /* owned; a ring, NULL until there are threads */
    size_t first, count;
    bool is_stopping;
    int thread_n;
    pthread_t thread[THREADS];
};

static void note(struct slowness *s, uint64_t ns)
{
    uint64_t bits = atomic_load_explicit(&s->bits, memory_order_relaxed);

    atomic_store_explicit(&s->bits, bits << 1 | (ns > SLOW_NS),
                          memory_order_relaxed);
}

static bool is_slow(struct slowness *s)
{
    uint64_t bits = atomic_load_explicit(&s->bits, memory_order_relaxed);

    return __builtin_popcountll(bits) >= SLOW_MIN;
}

struct warmer *warmer_new(struct store *s)
{
    struct warmer *w = mem_zalloc(sizeof(*w));

    w->store = s;
    pthread_mutex_init(&w->mutex, NULL);
    pthread_cond_init(&w->work, NULL);
    return w;
}

void warmer_free(struct warmer *w)
{
    if (w == NULL)
        return;
    MUST(w->thread_n == 0);
    pthread_mutex_destroy(&w->mutex);
    pthread_cond_destroy(&w->work);
    free(w->queue);
    free(w);
}

void warmer_note(struct warmer *w, uint64_t ns)
{
    note(&w->workers, ns);
}

/* ---- the threads ---- */

static void read_file(struct warmer *w, const struct expected *e)
{
    const struct clock *clock = w->store->config.clock;
    struct disk *disk = w->store->config.disk;
    uint64_t begin = clock_mono_ns(clock);
    char *path = pagefile_path(e->class->name, &e->id);
    char bytes[READ_BYTES];
    struct file *file;

    if (disk->ops->open(disk, path, DISK_READ, &file) == 0) {
        disk->ops->pread(file, bytes, sizeof(bytes), 0);
        disk->ops->close(file);
        note(&w->threads, clock_mono_ns(clock) - begin);
    }
    free(path);
}

static void *run(void *arg)
{
    struct warmer *w = arg;

    pthread_mutex_lock(&w->mutex);
    while (!w->is_stopping) {
        if (w->count == 0) {
            rest_wait(&w->work, &w->mutex);
            continue;
        }
        struct expected e = w->queue[w->first];
        w->first = (w->first + 1) % QUEUE_MAX;
        w->count--;
        pthread_mutex_unlock(&w->mutex);
        read_file(w, &e);
        pthread_mutex_lock(&w->mutex);
    }
    pthread_mutex_unlock(&w->mutex);
    return NULL;
}

/* With the mutex.  One that cannot be started is done without. */
static void start(struct warmer *w)
{
    sigset_t all;
    sigset_t before;

    w->queue = mem_alloc(QUEUE_MAX * sizeof(*w->queue));
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (w->thread_n < THREADS &&
           pthread_create(&w->thread[w->thread_n], NULL, run, w) == 0)
        w->thread_n++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void warmer_stop(struct warmer *w)
{
    pthread_mutex_lock(&w->mutex);
    w->is_stopping = true;
    pthread_cond_broadcast(&w->work);
    pthread_mutex_unlock(&w->mutex);
    while (w->thread_n > 0)
        pthread_join(w->thread[--w->thread_n], NULL);
}

static void expect(struct warmer *w, struct store_class *class,
                   const struct oid *id)
{
    pthread_mutex_lock(&w->mutex);
    if (w->queue == NULL && !w->is_stopping)
        start(w);
    bool takes = w->queue != NULL && w->thread_n != 0 && w->count < QUEUE_MAX;
    if (takes) {
        w->queue[(w->first + w->count) % QUEUE_MAX] =
            (struct expected){class, *id};
        w->count++;
    }
    pthread_mutex_unlock(&w->mutex);
    if (takes)
        pthread_cond_signal(&w->work);
}

void store_expect(struct store_client *c, const char *class_name,
                  const struct oid *id)
{
    struct store *s = c->store;
    struct warmer *w = s->warmer;
    bool is_wanted = is_slow(&w->workers) || is_slow(&w->threads);

    if (is_wanted && s->config.threads == STORE_LOG_THREAD)
        expect(w, classes_intern(s, class_name), id);
}
