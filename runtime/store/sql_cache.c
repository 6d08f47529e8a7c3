#include "store/sql_cache.h"

#include <sqlite3.h>
#include <stdlib.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/mem.h"
#include "base/must.h"

static uint64_t hash_of(struct slice text)
{
    return XXH3_64bits(text.p, text.n);
}

static struct sql_stmt *stmt_at(struct list *m)
{
    return container_of(m, struct sql_stmt, link);
}

static void unlink_from(struct sql_cache *c, struct sql_stmt *s)
{
    list_unlink(&s->link);
    c->bytes -= s->bytes;
    c->text_n -= s->text_n;
}

static struct sql_stmt *find(struct sql_cache *c, struct slice text,
                             uint64_t hash)
{
    for (struct list *m = c->idle.next; m != &c->idle; m = m->next) {
        struct sql_stmt *s = stmt_at(m);

        if (s->hash == hash && s->text_n == text.n &&
            memcmp(sqlite3_sql(s->stmt), text.p, text.n) == 0)
            return s;
    }
    return NULL;
}

struct sql_stmt *sql_cache_take(struct sql_cache *c, struct slice text)
{
    struct sql_stmt *s = find(c, text, hash_of(text));

    if (s != NULL)
        unlink_from(c, s);
    return s;
}

struct sql_stmt *sql_stmt_new(struct sqlite3_stmt *stmt, bool is_kept)
{
    struct sql_stmt *s = mem_zalloc(sizeof(*s));
    struct slice text = slice_of(sqlite3_sql(stmt));

    list_init(&s->link);
    s->stmt = stmt;
    s->is_write = !sqlite3_stmt_readonly(stmt) && !sqlite3_stmt_isexplain(stmt);
    s->is_kept = is_kept;
    s->text_n = text.n;
    if (!is_kept)
        return s;
    s->hash = hash_of(text);
    s->bytes = sizeof(*s) +
               (size_t)sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_MEMUSED, 0);
    return s;
}

static void stmt_free(struct sql_stmt *s)
{
    sqlite3_finalize(s->stmt);
    sql_columns_drop(s->columns);
    free(s);
}

/* Free the longest unused until no more than that is left. */
static void trim(struct sql_cache *c, size_t text_n, size_t bytes)
{
    struct list *before;

    for (struct list *m = c->idle.prev; m != &c->idle; m = before) {
        struct sql_stmt *s = stmt_at(m);

        if (c->text_n <= text_n && c->bytes <= bytes)
            return;
        before = m->prev;
        unlink_from(c, s);
        stmt_free(s);
    }
}

void sql_cache_give(struct sql_cache *c, struct sql_stmt *s)
{
    sqlite3_reset(s->stmt);
    sqlite3_clear_bindings(s->stmt);
    if (!s->is_kept || s->bytes > SQL_CACHE_BYTES_MAX ||
        find(c, (struct slice){sqlite3_sql(s->stmt), s->text_n}, s->hash)) {
        stmt_free(s);
        return;
    }
    list_insert(c->idle.next, &s->link);
    c->bytes += s->bytes;
    c->text_n += s->text_n;
    trim(c, SQL_CACHE_TEXT_MAX, SQL_CACHE_BYTES_MAX);
}

void sql_cache_shrink(struct sql_cache *c, size_t bytes)
{
    trim(c, SQL_CACHE_TEXT_MAX, bytes);
}

void sql_cache_clear(struct sql_cache *c)
{
    sql_cache_shrink(c, 0);
}

/* SQLite gives no name only when it has no memory. */
static const char *name_at(struct sqlite3_stmt *stmt, int i)
{
    const char *name = sqlite3_column_name(stmt, i);

    return name == NULL ? "" : name;
}

static struct sql_columns *read_columns(struct sqlite3_stmt *stmt)
{
    int count = sqlite3_column_count(stmt);
    size_t bytes = 0;

    for (int i = 0; i < count; i++)
        bytes += strlen(name_at(stmt, i));
    struct sql_columns *c =
        mem_alloc(sizeof(*c) + (size_t)count * sizeof(c->names[0]) + bytes);
    char *p = (char *)(c->names + count);
    c->refs = 1;
    c->count = count;
    for (int i = 0; i < count; i++) {
        struct slice name = slice_of(name_at(stmt, i));

        c->names[i] = (struct slice){p, name.n};
        memcpy(p, name.p, name.n);
        p += name.n;
    }
    return c;
}

struct sql_columns *sql_stmt_columns(struct sql_stmt *s)
{
    /* Compiled anew by SQLite after a change of the schema. */
    if (s->columns != NULL &&
        sqlite3_stmt_status(s->stmt, SQLITE_STMTSTATUS_REPREPARE, 1) != 0) {
        sql_columns_drop(s->columns);
        s->columns = NULL;
    }
    if (s->columns == NULL)
        s->columns = read_columns(s->stmt);
    s->columns->refs++;
    return s->columns;
}

void sql_columns_drop(struct sql_columns *c)
{
    if (c != NULL && --c->refs == 0)
        free(c);
}
