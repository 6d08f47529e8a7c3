#include "store/connection.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "store/chance.h"
#include "store/inside.h"

/* Pages that SQLite keeps itself; the others come from the overlay at the cost
 * of a copy. */
#define CACHE_PAGES "16"

enum { TRIES = 8 }; /* at taking one that is held */

static const char open_sql[] = "PRAGMA locking_mode = EXCLUSIVE;"
                               "PRAGMA journal_mode = MEMORY;"
                               "PRAGMA temp_store = MEMORY;"
                               "PRAGMA secure_delete = OFF;"
                               "PRAGMA cache_size = " CACHE_PAGES ";";

static void init_queue(struct connection_queue *q, size_t max)
{
    *q = (struct connection_queue){.max = max};
    list_init(&q->list);
}

void connections_init(struct connections *c)
{
    init_queue(&c->guests, CONNECTIONS_GUESTS);
    init_queue(&c->staying, CONNECTIONS_STAYING);
    init_queue(&c->spare, CONNECTIONS_SPARE);
}

static void push(struct connection_queue *q, struct connection *c)
{
    list_push(&q->list, &c->link);
    c->queue = q;
    q->count++;
}

/* Out of the queue that it is in, if any. */
static void leave(struct connection *c)
{
    if (c->queue == NULL)
        return;
    list_unlink(&c->link);
    c->queue->count--;
    c->queue = NULL;
}

static struct connection *first_of(struct connection_queue *q)
{
    return list_empty(&q->list)
               ? NULL
               : container_of(q->list.next, struct connection, link);
}

static void close_connection(struct connection *c)
{
    if (c == NULL)
        return;
    for (int i = 0; i < CONNECTION_OWN; i++)
        sqlite3_finalize(c->own[i]); /* NULL is allowed */
    sqlite3_finalize(c->touch);
    sqlite3_close(c->sqlite);
    free(c);
}

void connections_fini(struct connections *c)
{
    struct connection *spare;

    MUST(c->guests.count == 0 && c->staying.count == 0);
    while ((spare = first_of(&c->spare)) != NULL) {
        leave(spare);
        close_connection(spare);
    }
}

void connections_trim(struct connections *c)
{
    struct connection *kept = first_of(&c->spare);

    for (struct list *i = c->spare.list.next; i != &c->spare.list;
         i = i->next) {
        struct connection *one = container_of(i, struct connection, link);

        if (one->serial < kept->serial)
            kept = one;
    }
    for (struct list *i = c->spare.list.next, *next; i != &c->spare.list;
         i = next) {
        struct connection *one = container_of(i, struct connection, link);

        next = i->next;
        if (one == kept)
            continue;
        leave(one);
        close_connection(one);
    }
}

/* The limit on the object's size, known to SQLite so that a statement finds
 * it and not the commit. */
static int set_page_limit(const struct pagefile *f, sqlite3 *db)
{
    int64_t pages = f->client->store->config.object_bytes / STORE_PAGE;
    char sql[64];

    if (pages == 0)
        return SQLITE_OK;
    snprintf(sql, sizeof(sql), "PRAGMA max_page_count = %lld",
             (long long)(pages < INT_MAX ? pages : INT_MAX - 1));
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static int map_error(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_NOMEM:
        return ERR_NOMEM;
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
        return ERR_CORRUPT;
    default:
        return ERR_IO;
    }
}

static int open_sqlite(struct pagefile *f, sqlite3 **out)
{
    struct vfs *v = &f->client->vfs;

    v->connecting = f;
    int rc = sqlite3_open_v2("object", out,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
                                 SQLITE_OPEN_EXRESCODE,
                             v->name);
    v->connecting = NULL;
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(*out, open_sql, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_db_config(*out, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
    if (rc == SQLITE_OK && f->client->store->config.random != NULL)
        rc = chance_set(*out, f->client->store->config.random);
    if (rc == SQLITE_OK)
        rc = set_page_limit(f, *out);
    return rc;
}

static int open_connection(struct pagefile *f, struct connection **out,
                           struct error *err)
{
    struct connection *c = mem_zalloc(sizeof(*c));
    int rc = open_sqlite(f, &c->sqlite);

    list_init(&c->link);
    c->serial = ++f->client->connections.opened;
    if (rc == SQLITE_OK) {
        *out = c;
        return 0;
    }
    rc = map_error(rc);
    error_set(err, rc, "cannot open the object's database: %s",
              sqlite3_errmsg(c->sqlite));
    close_connection(c);
    return rc;
}

static bool is_busy(struct connection *c)
{
    if (sqlite3_get_autocommit(c->sqlite) == 0)
        return true;
    for (int i = 0; i < CONNECTION_OWN; i++)
        if (c->own[i] != NULL && sqlite3_stmt_busy(c->own[i]))
            return true;
    return false;
}

/* Let SQLite read a page, at the end of which it gives up its lock. */
static bool touch_page(struct connection *c)
{
    if (c->touch == NULL)
        sqlite3_prepare_v3(c->sqlite, "SELECT 1 FROM _mk_meta LIMIT 1", -1,
                           SQLITE_PREPARE_PERSISTENT, &c->touch, NULL);
    int rc = c->touch == NULL ? SQLITE_NOMEM : sqlite3_step(c->touch);
    sqlite3_reset(c->touch);
    return rc == SQLITE_ROW || rc == SQLITE_DONE;
}

static bool unlock(struct connection *c)
{
    return sqlite3_exec(c->sqlite, "PRAGMA locking_mode = NORMAL", NULL, NULL,
                        NULL) == SQLITE_OK &&
           touch_page(c) && !vfs_is_locked(c->sqlite);
}

static bool forget_pages(struct connection *c)
{
    return sqlite3_file_control(c->sqlite, "main", SQLITE_FCNTL_RESET_CACHE,
                                NULL) == SQLITE_OK;
}

/* Make the connection forget its object; false where it cannot, and then it is
 * of no use but to that.  It keeps its lock, which is dear to give up. */
static bool unbind(struct connection *c)
{
    if (!c->is_plain || c->file->failure != 0 || is_busy(c) ||
        !vfs_has_template_schema(c->sqlite))
        return false;
    sqlite3_progress_handler(c->sqlite, 0, NULL, NULL);
    if (!forget_pages(c))
        return false;
    c->pages = c->file->page_count;
    vfs_unbind(c->sqlite);
    c->file = NULL;
    return true;
}

/* One that another object holds and does not need now, unbound, or NULL. */
static struct connection *take_held(struct connection_queue *q)
{
    for (size_t i = 0; i < TRIES && i < q->count; i++) {
        struct connection *c = first_of(q);

        if (is_busy(c) || c->file->failure != 0) {
            connection_touch(c);
            continue;
        }
        leave(c);
        *c->holder = NULL;
        if (unbind(c))
            return c;
        close_connection(c);
    }
    return NULL;
}

/* One without an object, for one in `queue`, or NULL. */
static struct connection *take_unbound(struct connections *home,
                                       struct connection_queue *queue)
{
    struct connection *c = first_of(&home->spare);

    if (c != NULL) {
        leave(c);
        return c;
    }
    return queue->count < queue->max ? NULL : take_held(queue);
}

/* What SQLite knows under its lock but for the cache is the number of pages.
 * Where that is the same again the lock, which costs more than all the rest,
 * stays; elsewhere it is given up while the connection reads the template. */
static bool bind(struct connection *c, struct pagefile *f)
{
    bool is_alike = vfs_is_locked(c->sqlite) && c->pages == f->page_count;

    if (!is_alike && (!unlock(c) || !forget_pages(c)))
        return false;
    vfs_bind(c->sqlite, f);
    return is_alike ||
           sqlite3_exec(c->sqlite, "PRAGMA locking_mode = EXCLUSIVE", NULL,
                        NULL, NULL) == SQLITE_OK;
}

int connection_take(struct pagefile *f, struct connection **holder,
                    struct error *err)
{
    struct connections *home = &f->client->connections;
    struct connection_queue *queue =
        f->is_known ? &home->staying : &home->guests;
    struct connection *c = take_unbound(home, queue);
    int rc = 0;

    *holder = NULL;
    if (c != NULL && !bind(c, f)) {
        close_connection(c);
        c = NULL;
    }
    if (c == NULL)
        rc = open_connection(f, &c, err);
    if (rc != 0)
        return rc;
    f->is_known = true;
    c->file = f;
    c->is_plain = true;
    c->holder = holder;
    push(queue, c);
    *holder = c;
    return 0;
}

void connection_touch(struct connection *c)
{
    if (c->queue == NULL || c->link.next == &c->queue->list)
        return;
    list_unlink(&c->link);
    list_push(&c->queue->list, &c->link);
}

void connection_spoil(struct connection *c)
{
    c->is_plain = false;
    leave(c);
}

void connection_drop(struct connection *c)
{
    if (c == NULL)
        return;
    struct connection_queue *spare = &c->file->client->connections.spare;

    leave(c);
    *c->holder = NULL;
    if (spare->count < spare->max && unbind(c))
        push(spare, c);
    else
        close_connection(c);
}
