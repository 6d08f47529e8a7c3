#include "store/sql_rows.h"

#include <sqlite3.h>
#include <string.h>

static struct slice bytes_of(sqlite3_stmt *stmt, int i, const void *p)
{
    /* Asked for after the pointer, which asking first could move. */
    int n = sqlite3_column_bytes(stmt, i);

    return p == NULL ? SLICE("") : (struct slice){p, (size_t)n};
}

static void read_value(sqlite3_stmt *stmt, int i, struct sql_value *v)
{
    switch (sqlite3_column_type(stmt, i)) {
    case SQLITE_INTEGER:
        v->type = SQL_INTEGER;
        v->integer = sqlite3_column_int64(stmt, i);
        return;
    case SQLITE_FLOAT:
        v->type = SQL_REAL;
        v->real = sqlite3_column_double(stmt, i);
        return;
    case SQLITE_TEXT:
        v->type = SQL_TEXT;
        v->bytes = bytes_of(stmt, i, sqlite3_column_text(stmt, i));
        return;
    case SQLITE_BLOB:
        v->type = SQL_BLOB;
        v->bytes = bytes_of(stmt, i, sqlite3_column_blob(stmt, i));
        return;
    default:
        v->type = SQL_NULL;
    }
}

void sql_rows_read(struct sqlite3_stmt *stmt, struct sql_value *values,
                   int count)
{
    for (int i = 0; i < count; i++)
        read_value(stmt, i, &values[i]);
}

void sql_rows_add(struct sql_rows *r, const struct sql_value *values, int count)
{
    for (int i = 0; i < count; i++) {
        const struct sql_value *v = &values[i];

        buf_add_byte(&r->bytes, (int)v->type);
        if (v->type == SQL_INTEGER)
            buf_add(&r->bytes, &v->integer, sizeof(v->integer));
        if (v->type == SQL_REAL)
            buf_add(&r->bytes, &v->real, sizeof(v->real));
        if (v->type == SQL_TEXT || v->type == SQL_BLOB) {
            buf_add(&r->bytes, &v->bytes.n, sizeof(v->bytes.n));
            buf_add_slice(&r->bytes, v->bytes);
        }
    }
}

static void take(struct sql_rows *r, void *p, size_t n)
{
    memcpy(p, r->bytes.p + r->at, n);
    r->at += n;
}

bool sql_rows_next(struct sql_rows *r, struct sql_value *values, int count)
{
    if (r->at == r->bytes.n)
        return false;
    for (int i = 0; i < count; i++) {
        struct sql_value *v = &values[i];

        v->type = (enum sql_type)r->bytes.p[r->at++];
        if (v->type == SQL_INTEGER)
            take(r, &v->integer, sizeof(v->integer));
        if (v->type == SQL_REAL)
            take(r, &v->real, sizeof(v->real));
        if (v->type == SQL_TEXT || v->type == SQL_BLOB) {
            take(r, &v->bytes.n, sizeof(v->bytes.n));
            v->bytes.p = r->bytes.p + r->at;
            r->at += v->bytes.n;
        }
    }
    return true;
}

void sql_rows_fini(struct sql_rows *r)
{
    buf_fini(&r->bytes);
    r->at = 0;
}
