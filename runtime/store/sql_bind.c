#include "store/sql_bind.h"

#include <sqlite3.h>
#include <stdio.h>

#include "store/sql_code.h"

static int wrong_number(struct sql_error *err)
{
    return error_set(&err->error, ERR_INVALID,
                     "Wrong number of parameter bindings for SQL query.");
}

static int bind_one(struct sql_stmt *s, int at, const struct sql_value *v,
                    struct sql_error *err)
{
    sqlite3_stmt *st = s->stmt;
    sqlite3_destructor_type life =
        sqlite3_column_count(st) == 0 ? SQLITE_STATIC : SQLITE_TRANSIENT;
    const char *p = v->bytes.n == 0 ? "" : v->bytes.p;
    int rc = SQLITE_OK;

    switch (v->type) {
    case SQL_NULL:
        rc = sqlite3_bind_null(st, at);
        break;
    case SQL_INTEGER:
        rc = sqlite3_bind_int64(st, at, v->integer);
        break;
    case SQL_REAL:
        rc = sqlite3_bind_double(st, at, v->real);
        break;
    case SQL_TEXT:
        rc = sqlite3_bind_text64(st, at, p, v->bytes.n, life, SQLITE_UTF8);
        break;
    case SQL_BLOB:
        rc = sqlite3_bind_blob64(st, at, p, v->bytes.n, life);
        break;
    }
    if (rc == SQLITE_OK)
        return 0;
    snprintf(err->code, sizeof(err->code), "%s", sql_code_name(rc));
    return error_set(&err->error, rc == SQLITE_NOMEM ? ERR_NOMEM : ERR_TOO_BIG,
                     "%s: %s", sqlite3_errstr(rc), sql_code_primary(rc));
}

static int bind_positions(struct sql_stmt *s, const struct sql_binding *b,
                          size_t count, struct sql_error *err)
{
    if ((size_t)sqlite3_bind_parameter_count(s->stmt) != count)
        return wrong_number(err);
    for (size_t i = 0; i < count; i++) {
        int rc = bind_one(s, (int)i + 1, &b[i].value, err);
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* The binding that is for the parameter `name` (":x"), or NULL. */
static const struct sql_binding *find(const char *name,
                                      const struct sql_binding *b, size_t count)
{
    if (name[0] != ':')
        return NULL;
    for (size_t i = 0; i < count; i++) {
        if (slice_eq(slice_of(name + 1), b[i].name))
            return &b[i];
    }
    return NULL;
}

static bool has_parameter(struct sqlite3_stmt *st, struct slice name)
{
    for (int i = 1; i <= sqlite3_bind_parameter_count(st); i++) {
        const char *at = sqlite3_bind_parameter_name(st, i);

        if (at != NULL && at[0] == ':' && slice_eq(slice_of(at + 1), name))
            return true;
    }
    return false;
}

static int bind_names(struct sql_stmt *s, const struct sql_binding *b,
                      size_t count, struct sql_error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (!has_parameter(s->stmt, b[i].name))
            return error_set(&err->error, ERR_INVALID,
                             "the SQL query has no parameter :%.*s",
                             (int)b[i].name.n, b[i].name.p);
    }
    for (int i = 1; i <= sqlite3_bind_parameter_count(s->stmt); i++) {
        const char *name = sqlite3_bind_parameter_name(s->stmt, i);

        if (name == NULL) /* a plain '?' */
            return wrong_number(err);
        const struct sql_binding *found = find(name, b, count);
        if (found == NULL)
            return error_set(&err->error, ERR_INVALID,
                             "no value for the SQL parameter %s", name);
        int rc = bind_one(s, i, &found->value, err);
        if (rc != 0)
            return rc;
    }
    return 0;
}

int sql_bind(struct sql_stmt *s, const struct sql_binding *bindings,
             size_t count, struct sql_error *err)
{
    if (count != 0 && bindings[0].name.p != NULL)
        return bind_names(s, bindings, count, err);
    return bind_positions(s, bindings, count, err);
}
