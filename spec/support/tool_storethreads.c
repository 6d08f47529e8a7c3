/*
 * tool_storethreads.c - a store with its real threads under several clients.
 *
 *   tool_storethreads FOLDER CLIENTS OBJECTS COMMITS
 *
 * Each client counts in objects of its own, waits as a worker does until what
 * it wrote is durable, closes objects and opens them again, which it had said
 * it would.  Then the store is closed and opened, and every count must be
 * there.  Meanwhile all look at the directory, which must have what they did
 * themselves; an object's alarm is its count.  With "-" for FOLDER the disk is
 * a simulated one whose syncs fail every now and then: what was durable must
 * stay, what failed must be gone.  Exits with 0 and prints what the log did, or
 * prints what is wrong.
 */
#include <poll.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/must.h"
#include "store/connection.h"
#include "store/inside.h"

enum { SEGMENT_BYTES = 1 << 18, BATCH = 8, FAILURES = 100 };

struct counter {
    struct pagefile *pf;
    struct connection *conn;
    int64_t value; /* after the last commit */
    int64_t known; /* as it was last known to be durable */
};

struct worker {
    struct store *store;
    pthread_t thread;
    int number, objects, commits;
    struct counter *counters;
    bool may_fail;
    bool *seen; /* objects in the directory */
    int event;  /* eventfd: the log thread's wake */
};

static void give_up(const char *what, const char *text)
{
    fprintf(stderr, "%s: %s\n", what, text);
    exit(1);
}

static void wake(void *arg)
{
    const uint64_t one = 1;

    MUST(write(((struct worker *)arg)->event, &one, sizeof(one)) ==
         (ssize_t)sizeof(one));
}

static void open_counter(struct store_client *c, int worker, int n,
                         struct counter *out)
{
    struct oid id = {{(uint8_t)worker, (uint8_t)n}};
    struct error err;

    if (pagefile_open(c, "Counter", &id, &out->pf, &err) != 0 ||
        connection_take(out->pf, &out->conn, &err) != 0)
        give_up("open", err.text);
}

static void close_counter(struct counter *o)
{
    connection_drop(o->conn);
    pagefile_close(o->pf);
}

/* One more; false when the store refuses, as after a failure. */
static bool count(struct counter *o)
{
    pagefile_set_next_alarm(o->pf, o->value + 1);
    int rc = sqlite3_exec(
        o->conn->sqlite,
        "BEGIN;"
        "INSERT INTO _mk_kv VALUES(x'01', 1)"
        " ON CONFLICT DO UPDATE SET value = value + 1;"
        "INSERT INTO _mk_kv SELECT 'k' || (value % 100), hex(randomblob(200))"
        " FROM _mk_kv WHERE key = x'01' ON CONFLICT DO UPDATE SET value = "
        "excluded.value;"
        "DELETE FROM _mk_alarms;"
        "INSERT INTO _mk_alarms(kind, at, name)"
        " SELECT 1, value, '' FROM _mk_kv WHERE key = x'01';"
        "COMMIT",
        NULL, NULL, NULL);
    struct error err = {0};

    if (rc == SQLITE_OK)
        o->value++;
    else if (pagefile_failure(o->pf, &err) == 0)
        give_up("count", sqlite3_errmsg(o->conn->sqlite));
    return rc == SQLITE_OK;
}

static int64_t value_of(struct counter *o)
{
    sqlite3_stmt *st;
    int64_t value = 0;

    sqlite3_prepare_v2(o->conn->sqlite,
                       "SELECT value FROM _mk_kv WHERE key = x'01'", -1, &st,
                       NULL);
    if (sqlite3_step(st) == SQLITE_ROW)
        value = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return value;
}

/* What failed is taken back: each object is what it was when it was durable
 * last, or a later state that the log took before it failed. */
static void recover(struct worker *w, struct store_client *c)
{
    for (int i = 0; i < w->objects; i++) {
        connection_drop(w->counters[i].conn);
        pagefile_discard(w->counters[i].pf);
    }
    store_resume(c);
    for (int i = 0; i < w->objects; i++) {
        struct counter *o = &w->counters[i];

        open_counter(c, w->number, i, o);
        int64_t value = value_of(o);
        if (value < o->known || value > o->value)
            give_up("recover", "a count is not what it should be");
        o->value = value;
        o->known = value;
    }
}

/* As a worker's loop: sleep until woken, then ask.  False after a failure. */
static bool wait_durable(struct worker *w, struct store_client *c,
                         uint64_t number)
{
    uint64_t durable = 0;

    while (durable < number) {
        struct store_report report;
        struct pollfd p = {.fd = w->event, .events = POLLIN};
        uint64_t drain;

        store_send(c);
        if (poll(&p, 1, 10000) != 1)
            give_up("wait", "nobody wakes");
        if (read(w->event, &drain, sizeof(drain)) < 0)
            give_up("wait", "eventfd");
        store_poll(c, &report);
        if (report.failed)
            return false;
        if (report.durable < durable)
            give_up("log", "the durable number went back");
        durable = report.durable;
    }
    return true;
}

static int see(void *arg, const struct directory_entry *e)
{
    struct worker *w = arg;
    int n = e->id.b[1];

    if (e->id.b[0] != w->number)
        return 0;
    if (n >= w->objects || w->seen[n])
        give_up("directory", "an object is there twice, or was never made");
    if (e->next_alarm != w->counters[n].value)
        give_up("directory", "an alarm is not what it should be");
    w->seen[n] = true;
    return 0;
}

static void look(struct worker *w, struct store_client *c)
{
    struct directory_query q = {.class_name = SLICE("Counter"), .limit = -1};
    struct error err;
    struct directory_reader *r = store_client_reader(c, &err);

    memset(w->seen, 0, (size_t)w->objects * sizeof(bool));
    if (r == NULL || directory_list(r, &q, see, w, &err) != 0)
        give_up("directory", err.text);
    for (int i = 0; i < w->objects; i++)
        if (w->seen[i] != (w->counters[i].value != 0))
            give_up("directory", "an object is missing, or not gone");
}

/* All objects will be opened soon, and the disk is slow: as if the last files
 * had taken a second each. */
static void expect(struct worker *w, struct store_client *c)
{
    for (int i = 0; i < w->objects; i++) {
        struct oid id = {{(uint8_t)w->number, (uint8_t)i}};

        warmer_note(w->store->warmer, 1000000000);
        store_expect(c, "Counter", &id);
    }
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct store_client *c = store_attach(w->store, wake, w);

    for (int i = 0; i < w->objects; i++)
        open_counter(c, w->number, i, &w->counters[i]);
    for (int i = 0; i < w->commits; i++) {
        struct counter *o = &w->counters[i % w->objects];
        bool ok = count(o);

        if (ok && i % BATCH == BATCH - 1) {
            ok = wait_durable(w, c, pagefile_last_commit(o->pf));
            if (ok)
                o->known = o->value;
        }
        if (!ok)
            recover(w, c);
        if (i % 23 == 0)
            look(w, c);
        if (i % 37 == 36) {
            close_counter(o);
            expect(w, c);
            open_counter(c, w->number, i % w->objects, o);
        }
    }
    for (int i = 0; i < w->objects; i++)
        close_counter(&w->counters[i]);
    store_detach(c);
    return NULL;
}

/* `folder` NULL: the disk is a simulated one. */
static struct store *open_store(struct disk *disk, const char *folder)
{
    char path[512];

    struct store_config config = {.disk = disk,
                                  .clock = clock_system(),
                                  .segment_bytes = SEGMENT_BYTES,
                                  .history_ms = 86400000,
                                  .threads = STORE_LOG_THREAD};
    snprintf(path, sizeof(path), "%s/directory.sqlite", folder);
    if (folder != NULL)
        config.directory_path = path;
    struct store *s;
    struct error err;

    /* A failure asked for after the last sync of the load comes now. */
    if (store_open(&config, &s, &err) != 0 &&
        store_open(&config, &s, &err) != 0)
        give_up("store", err.text);
    return s;
}

static void run(struct store *s, struct worker *workers, int n,
                struct disk *fails)
{
    for (int i = 0; i < n; i++) {
        workers[i].store = s;
        workers[i].event = eventfd(0, EFD_CLOEXEC);
        pthread_create(&workers[i].thread, NULL, work, &workers[i]);
    }
    for (int i = 0; fails != NULL && i < FAILURES; i++) {
        usleep(2000);
        disk_sim_fail_sync(fails);
    }
    for (int i = 0; i < n; i++) {
        pthread_join(workers[i].thread, NULL);
        close(workers[i].event);
    }
}

/* What failed is void once the log can be written again, not before: who stops
 * on a disk that fails may find it at the next start. */
static void wait_healthy(struct store *s, struct store_stats *stats)
{
    store_stats(s, stats);
    for (int i = 0; stats->is_failing; i++) {
        if (i == 1000)
            give_up("log", "it does not heal");
        usleep(10000);
        store_stats(s, stats);
    }
}

/* A count that failed with the last syncs may be missing, no other. */
static void check(struct store *s, struct worker *w)
{
    struct store_client *c = store_attach(s, NULL, NULL);

    for (int i = 0; i < w->objects; i++) {
        struct counter *o = &w->counters[i];

        open_counter(c, w->number, i, o);
        int64_t value = value_of(o);
        if (value < o->known || value > o->value)
            give_up("check", "a count is not what it should be");
        if (!w->may_fail && value != o->value)
            give_up("check", "a count is missing");
        o->value = value;
        close_counter(o);
    }
    look(w, c);
    store_detach(c);
}

int main(int argc, char **argv)
{
    struct error err;
    struct disk *disk;
    struct store_stats stats;

    if (argc != 5)
        give_up("usage", "tool_storethreads FOLDER CLIENTS OBJECTS COMMITS");
    bool may_fail = strcmp(argv[1], "-") == 0;
    if (may_fail)
        disk = disk_sim_new(1);
    else if (disk_real_new(argv[1], &disk, &err) != 0)
        give_up("disk", err.text);
    int n = atoi(argv[2]);
    struct worker *workers = mem_zalloc((size_t)n * sizeof(*workers));
    for (int i = 0; i < n; i++) {
        workers[i] = (struct worker){.number = i,
                                     .objects = atoi(argv[3]),
                                     .commits = atoi(argv[4]),
                                     .may_fail = may_fail};
        workers[i].counters =
            mem_zalloc((size_t)workers[i].objects * sizeof(struct counter));
        workers[i].seen = mem_zalloc((size_t)workers[i].objects * sizeof(bool));
    }
    const char *folder = may_fail ? NULL : argv[1];
    struct store *s = open_store(disk, folder);
    run(s, workers, n, may_fail ? disk : NULL);
    wait_healthy(s, &stats);
    store_close(s);
    s = open_store(disk, folder);
    for (int i = 0; i < n; i++)
        check(s, &workers[i]);
    store_close(s);
    disk->ops->free(disk);
    for (int i = 0; i < n; i++) {
        free(workers[i].counters);
        free(workers[i].seen);
    }
    free(workers);
    printf("%llu commits, %llu syncs, %llu checkpoints, %llu segments\n",
           (unsigned long long)stats.commits, (unsigned long long)stats.syncs,
           (unsigned long long)stats.checkpoints,
           (unsigned long long)stats.segments);
    return 0;
}
