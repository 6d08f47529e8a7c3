#include "store/sql_policy.h"

#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include "store/sql_allowed.h"
#include "store/sql_text.h"

#define RESERVED "_mk_"
#define TRANSACTION                                                            \
    "To execute a transaction, please use storage:transaction() instead of "   \
    "the SQL BEGIN TRANSACTION or SAVEPOINT statements: it rolls back when "   \
    "its function fails, and it works together with the automatic "            \
    "transaction of each turn."

/* The first reason stays: later ones follow from it. */
static int deny(struct sql_policy *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int deny(struct sql_policy *p, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (!p->is_denied)
        vsnprintf(p->reason, sizeof(p->reason), format, args);
    va_end(args);
    p->is_denied = true;
    return SQLITE_DENY;
}

static bool is_reserved(const char *name)
{
    return name != NULL && strncasecmp(name, RESERVED, 4) == 0;
}

static int deny_reserved(struct sql_policy *p, const char *name)
{
    return deny(p,
                "access to %.64s is prohibited: names that begin with "
                "\"" RESERVED "\" belong to the runtime",
                name);
}

static int deny_temp(struct sql_policy *p)
{
    return deny(p, "temporary tables, views, indexes and triggers are not "
                   "allowed: an object may lose its memory at any time");
}

/* As SQLite reads a boolean, but nothing else. */
static bool is_boolean(const char *text)
{
    static const char *const words[] = {"0",  "1",   "on",   "off",
                                        "no", "yes", "true", "false"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasecmp(text, words[i]) == 0)
            return true;
    }
    return false;
}

static bool is_integer(const char *text)
{
    if (*text == '-' || *text == '+')
        text++;
    if (text[0] == '0' && (text[1] | 0x20) == 'x')
        return text[2 + strspn(text + 2, "0123456789abcdefABCDEF")] == '\0';
    return *text != '\0' && text[strspn(text, "0123456789")] == '\0';
}

static int check_pragma(struct sql_policy *p, const char *name,
                        const char *argument)
{
    enum sql_pragma kind = sql_allowed_pragma(name);

    p->is_pragma = true;
    if (is_reserved(argument))
        return deny_reserved(p, argument);
    if (kind == SQL_PRAGMA_REFUSED)
        return deny(p, "not authorized to use PRAGMA %.64s", name);
    if (argument == NULL || kind == SQL_PRAGMA_ANY)
        return SQLITE_OK;
    if (p->is_visit)
        return deny(p, "PRAGMA %s can only be read here", name);
    if (kind == SQL_PRAGMA_READ)
        return deny(p, "not authorized to set PRAGMA %s: it can only be read",
                    name);
    if (kind == SQL_PRAGMA_INTEGER && !is_integer(argument))
        return deny(p, "PRAGMA %s takes an integer, not '%.64s'", name,
                    argument);
    if (kind == SQL_PRAGMA_FLAG && !is_boolean(argument))
        return deny(p, "PRAGMA %s takes a boolean, not '%.64s'", name,
                    argument);
    /* Ends with the transaction in which it was set. */
    p->needs_begin |= strcasecmp(name, "defer_foreign_keys") == 0;
    return SQLITE_OK;
}

static int check_module(struct sql_policy *p, const char *module)
{
    p->creates = true;
    if (sql_allowed_module(module))
        return SQLITE_OK;
    return deny(p,
                "not authorized to use virtual table module: %.64s (allowed: "
                "fts5, fts5vocab, rtree, rtree_i32)",
                module);
}

static int check_function(struct sql_policy *p, const char *name)
{
    if (sql_allowed_function(name))
        return SQLITE_OK;
    return deny(p, "not authorized to use function: %.64s", name);
}

/* Whether the names of an action are those of things, not of columns. */
static int check_names(struct sql_policy *p, int action, const char *a,
                       const char *b)
{
    if (action == SQLITE_FUNCTION || action == SQLITE_PRAGMA)
        return SQLITE_OK;
    /* A plain ANALYZE goes over every table; the runtime's are passed over. */
    if (action == SQLITE_ANALYZE)
        return is_reserved(a) ? SQLITE_IGNORE : SQLITE_OK;
    if (p->is_visit && action == SQLITE_READ)
        return SQLITE_OK;
    if (is_reserved(a))
        return deny_reserved(p, a);
    if (action != SQLITE_READ && action != SQLITE_UPDATE && is_reserved(b))
        return deny_reserved(p, b);
    return SQLITE_OK;
}

/* Things are made by an INSERT into the schema's table, even with temp.NAME. */
static bool is_made_temp(int action, const char *schema)
{
    return action == SQLITE_INSERT && schema != NULL &&
           strcasecmp(schema, "temp") == 0;
}

static int check_action(struct sql_policy *p, int action, const char *a,
                        const char *b)
{
    switch (action) {
    case SQLITE_FUNCTION:
        return check_function(p, b);
    case SQLITE_PRAGMA:
        return check_pragma(p, a, b);
    case SQLITE_TRANSACTION:
    case SQLITE_SAVEPOINT:
        return deny(p, "%s", TRANSACTION);
    case SQLITE_ATTACH:
        return deny(p, "ATTACH is not allowed: an object has one database");
    case SQLITE_DETACH:
        return deny(p, "DETACH is not allowed: an object has one database");
    case SQLITE_CREATE_VTABLE:
        return check_module(p, b);
    case SQLITE_CREATE_TABLE:
    case SQLITE_CREATE_INDEX:
    case SQLITE_CREATE_VIEW:
    case SQLITE_CREATE_TRIGGER:
        p->creates = true;
        return SQLITE_OK;
    case SQLITE_ALTER_TABLE:
        p->alters = true;
        p->drops = true;
        return SQLITE_OK;
    case SQLITE_DROP_TABLE:
    case SQLITE_DROP_INDEX:
    case SQLITE_DROP_VIEW:
    case SQLITE_DROP_TRIGGER:
    case SQLITE_DROP_VTABLE:
        p->drops = true;
        return SQLITE_OK;
    case SQLITE_CREATE_TEMP_TABLE:
    case SQLITE_CREATE_TEMP_INDEX:
    case SQLITE_CREATE_TEMP_VIEW:
    case SQLITE_CREATE_TEMP_TRIGGER:
    case SQLITE_DROP_TEMP_TABLE:
    case SQLITE_DROP_TEMP_INDEX:
    case SQLITE_DROP_TEMP_VIEW:
    case SQLITE_DROP_TEMP_TRIGGER:
        return deny_temp(p);
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_DELETE:
        return SQLITE_OK;
    case SQLITE_READ:
        p->reads = true;
        return SQLITE_OK;
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE:
    case SQLITE_ANALYZE:
    case SQLITE_REINDEX:
        return SQLITE_OK;
    default:
        return deny(p, "not authorized");
    }
}

int sql_policy_authorize(void *arg, int action, const char *a, const char *b,
                         const char *schema, const char *inner)
{
    struct sql_policy *p = arg;

    (void)inner;
    if (!p->is_on)
        return SQLITE_OK;
    if (is_made_temp(action, schema))
        return deny_temp(p);
    int rc = check_names(p, action, a, b);
    return rc != SQLITE_OK ? rc : check_action(p, action, a, b);
}

void sql_policy_begin(struct sql_policy *p)
{
    p->is_denied = false;
    p->reads = false;
    p->is_pragma = false;
    p->needs_begin = false;
    p->creates = false;
    p->drops = false;
    p->alters = false;
}

bool sql_policy_check_text(struct sql_policy *p, struct slice text)
{
    if (p->alters && sql_text_has_reserved(text))
        deny(p, "names that begin with \"" RESERVED "\" belong to the runtime");
    else if (sql_text_starts(text, SLICE("VACUUM")))
        deny(p, "VACUUM is not allowed: it cannot be part of a transaction");
    return !p->is_denied;
}
