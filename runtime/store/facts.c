/* What an object's database says of it. */
#include "store/db_conn.h"
#include "store/inside.h"

/* The alarms in the order of their times, and the dead letters: alarm_rows.h */
static const char facts_sql[] =
    "SELECT (SELECT value FROM _mk_meta WHERE key='name'),"
    "(SELECT at FROM _mk_alarms WHERE kind=1 ORDER BY at LIMIT 1),"
    "(SELECT count(*) FROM _mk_alarms WHERE kind=2)";

static int read_row(sqlite3_stmt *st, struct facts *out)
{
    if (sqlite3_step(st) != SQLITE_ROW)
        return ERR_CORRUPT;
    if (sqlite3_column_bytes(st, 0) > 0)
        buf_add(&out->name, sqlite3_column_blob(st, 0),
                (size_t)sqlite3_column_bytes(st, 0));
    out->next_alarm = sqlite3_column_int64(st, 1);
    out->dead = sqlite3_column_int64(st, 2);
    return 0;
}

int facts_read(struct pagefile *f, struct facts *out, struct error *err)
{
    struct connection *c;

    *out = (struct facts){0};
    int rc = connection_take(f, &c, err);
    if (rc != 0)
        return rc;
    sqlite3_stmt **st = &c->own[DB_OWN_FACTS];
    if (*st == NULL)
        sqlite3_prepare_v3(c->sqlite, facts_sql, -1, SQLITE_PREPARE_PERSISTENT,
                           st, NULL);
    rc = *st == NULL ? ERR_CORRUPT : read_row(*st, out);
    if (rc != 0)
        error_set(err, rc, "the object's database cannot be read: %s",
                  sqlite3_errmsg(c->sqlite));
    sqlite3_reset(*st);
    connection_drop(c);
    if (rc != 0)
        facts_fini(out);
    return rc;
}

void facts_fini(struct facts *facts)
{
    buf_fini(&facts->name);
}
