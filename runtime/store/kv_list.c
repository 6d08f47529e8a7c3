/*
 * A list holds no statement between two calls.  It reads the next piece of its
 * range when it needs one, and before a key that it has not come to is written
 * it keeps that key's value; reading merges the two.
 */
#include "store/kv_list.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/must.h"
#include "store/kv_range.h"
#include "store/kv_saved.h"

enum {
    CHUNK_FIRST = 2048,          /* bytes of the first piece */
    CHUNK_MAX = 65536,           /* of later ones */
    KEEP_MAX = 32 * 1024 * 1024, /* what a list may keep of what was changed */
};

struct kv_list {
    struct list link; /* in db.kv_lists until it is free or has failed */
    struct db *d;
    uint64_t born; /* db.kv_writes at the start */
    struct kv_rest rest;
    bool reverse;
    bool is_read_out; /* all that is to be given is in `chunk` */
    int64_t left;     /* entries yet to be put into `chunk`; -1: no limit */
    size_t budget;    /* bytes of the next piece */
    struct buf chunk; /* entries: two lengths, key, value */
    size_t at;        /* the next one */
    struct kv_saved saved;
    struct error *failure; /* owned; NULL while all is well */
};

struct lengths {
    uint32_t key, value;
};

static void fail(struct kv_list *l, const struct error *why)
{
    if (l->failure != NULL)
        return;
    l->failure = mem_alloc(sizeof(*l->failure));
    *l->failure = *why;
    list_unlink(&l->link);
    kv_saved_fini(&l->saved);
    buf_fini(&l->chunk);
}

static void fail_too_much(struct kv_list *l)
{
    struct error e = {0};

    error_set(&e, ERR_CANCELED,
              "list() iterator was ended because more than %d MiB that it had "
              "not reached yet was changed",
              KEEP_MAX >> 20);
    fail(l, &e);
}

int kv_list_new(struct db *d, const struct kv_range *range,
                struct kv_list **out, struct error *err)
{
    *out = NULL;
    int rc = db_conn_enter(d, err);
    if (rc != 0)
        return rc;

    struct kv_list *l = mem_zalloc(sizeof(*l));
    l->d = d;
    l->born = d->kv_writes;
    l->reverse = range->reverse;
    l->left = range->limit;
    l->budget = CHUNK_FIRST;
    kv_rest_init(&l->rest, range);
    l->is_read_out = l->left == 0 || kv_rest_is_empty(&l->rest);
    list_init(&l->link);
    list_push(&d->kv_lists, &l->link);
    *out = l;
    return 0;
}

void kv_list_free(struct kv_list *l)
{
    if (l == NULL)
        return;
    list_unlink(&l->link);
    kv_rest_fini(&l->rest);
    kv_saved_fini(&l->saved);
    buf_fini(&l->chunk);
    free(l->failure);
    free(l);
}

/* Put one entry behind those of the piece, unless it was not there. */
static void give(struct kv_list *l, const struct kv_entry *e)
{
    struct lengths n = {(uint32_t)e->key.n, (uint32_t)e->value.n};

    if (e->is_absent || l->left == 0)
        return;
    buf_add(&l->chunk, &n, sizeof(n));
    buf_add_slice(&l->chunk, e->key);
    buf_add_slice(&l->chunk, e->value);
    if (l->left > 0)
        l->left--;
}

/* Give what was kept before `key` (NULL: all).  Returns true when `key` itself
 * was kept and has been dealt with. */
static bool give_saved(struct kv_list *l, const struct slice *key)
{
    const struct kv_entry *e;

    while ((e = kv_saved_peek(&l->saved, l->reverse)) != NULL) {
        int c = key == NULL ? -1 : kv_key_compare(e->key, *key);

        if (l->reverse && key != NULL)
            c = -c;
        if (c > 0)
            return false;
        give(l, e);
        kv_saved_drop(&l->saved, l->reverse);
        if (c == 0)
            return true;
    }
    return false;
}

static struct slice column(sqlite3_stmt *st, int at)
{
    const void *p = sqlite3_column_blob(st, at);

    return (struct slice){p, (size_t)sqlite3_column_bytes(st, at)};
}

/* Take the row that `st` stands on. */
static void take_row(struct kv_list *l, sqlite3_stmt *st)
{
    struct kv_entry e = {.key = column(st, 0), .value = column(st, 1)};

    if (!give_saved(l, &e.key))
        give(l, &e);
    kv_rest_pass(&l->rest, e.key, l->reverse);
}

static int start(struct kv_list *l, sqlite3_stmt **st, struct error *err)
{
    const struct kv_rest *r = &l->rest;
    int rc =
        db_conn_own(l->d, l->reverse ? DB_OWN_LIST_DOWN : DB_OWN_LIST, st, err);

    if (rc != 0)
        return rc;
    sqlite3_bind_blob(*st, 1, r->low.n == 0 ? "" : r->low.p, (int)r->low.n,
                      SQLITE_TRANSIENT);
    sqlite3_bind_blob(*st, 2, r->high.n == 0 ? "" : r->high.p, (int)r->high.n,
                      SQLITE_TRANSIENT);
    return 0;
}

/* Read the next piece: at least one entry if there is one, and on until it
 * has `budget` bytes. */
static int fill(struct kv_list *l, size_t budget, struct error *err)
{
    sqlite3_stmt *st;
    int rc = start(l, &st, err);

    if (rc != 0)
        return rc;
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        take_row(l, st);
        l->d->rows_read++;
        if (l->left == 0 || l->chunk.n >= budget)
            break;
    }
    sqlite3_reset(st);
    sqlite3_clear_bindings(st);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return db_conn_fail(l->d, rc, err);
    if (rc == SQLITE_DONE)
        give_saved(l, NULL);
    if (rc == SQLITE_DONE || l->left == 0) {
        l->is_read_out = true;
        kv_saved_fini(&l->saved);
    }
    return 0;
}

static int refill(struct kv_list *l, struct error *err)
{
    l->chunk.n = 0;
    l->at = 0;
    /* One large value must not stay for the list's whole life. */
    if (l->chunk.cap > 2 * CHUNK_MAX)
        buf_fini(&l->chunk);
    int rc = db_conn_enter(l->d, err);
    if (rc == 0)
        rc = fill(l, l->budget, err);
    l->budget = l->budget >= CHUNK_MAX / 4 ? CHUNK_MAX : 4 * l->budget;
    return rc;
}

int kv_list_next(struct kv_list *l, struct slice *key, struct slice *value,
                 struct error *err)
{
    struct lengths n;

    *key = *value = (struct slice){0};
    if (l->failure != NULL)
        return error_set(err, l->failure->code, "%s", l->failure->text);
    if (l->at == l->chunk.n && !l->is_read_out) {
        int rc = refill(l, err);
        if (rc != 0)
            return rc;
    }
    if (l->at == l->chunk.n)
        return 0;
    memcpy(&n, l->chunk.p + l->at, sizeof(n));
    l->at += sizeof(n);
    *key = (struct slice){l->chunk.p + l->at, n.key};
    *value = (struct slice){key->p + n.key, n.value};
    l->at += (size_t)n.key + n.value;
    return 1;
}

/* Read what `key` has now; the bytes are borrowed until the own statement is
 * used again. */
static int read_present(struct db *d, struct kv_entry *e, struct error *err)
{
    sqlite3_stmt *st;
    int rc = db_conn_own(d, DB_OWN_GET, &st, err);

    if (rc != 0)
        return rc;
    sqlite3_bind_blob(st, 1, e->key.n == 0 ? "" : e->key.p, (int)e->key.n,
                      SQLITE_STATIC);
    rc = sqlite3_step(st);
    if (rc == SQLITE_ROW) {
        e->value = column(st, 0);
        d->parked = st;
        return 0;
    }
    sqlite3_reset(st);
    e->is_absent = true;
    return rc == SQLITE_DONE ? 0 : db_conn_fail(d, rc, err);
}

static bool needs(const struct kv_list *l, struct slice key)
{
    return !l->is_read_out && kv_rest_has(&l->rest, key) &&
           !kv_saved_has(&l->saved, key);
}

int kv_list_before_write(struct db *d, struct slice key, struct error *err)
{
    struct kv_entry e = {.key = key};
    bool is_read = false;
    struct list *next;

    for (struct list *m = d->kv_lists.next; m != &d->kv_lists; m = next) {
        struct kv_list *l = container_of(m, struct kv_list, link);

        next = m->next;
        if (!needs(l, key))
            continue;
        int rc = is_read ? 0 : read_present(d, &e, err);
        if (rc != 0)
            return rc;
        is_read = true;
        if (kv_saved_add(&l->saved, &e) != 0 || l->saved.bytes > KEEP_MAX)
            fail_too_much(l);
    }
    db_conn_unpark(d);
    return 0;
}

void kv_list_before_undo(struct db *d, uint64_t kv_writes)
{
    struct list *next;

    for (struct list *m = d->kv_lists.next; m != &d->kv_lists; m = next) {
        struct kv_list *l = container_of(m, struct kv_list, link);
        struct error e = {0};

        next = m->next;
        if (l->is_read_out || l->born <= kv_writes)
            continue;
        if (fill(l, l->chunk.n + KEEP_MAX, &e) != 0)
            fail(l, &e);
        else if (!l->is_read_out)
            fail_too_much(l);
        if (d->broken != NULL)
            return; /* which has ended them all */
    }
}

void kv_list_cancel(struct db *d, const struct error *why)
{
    while (!list_empty(&d->kv_lists))
        fail(container_of(d->kv_lists.next, struct kv_list, link), why);
}
