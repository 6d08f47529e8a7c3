#include "store/sql_allowed.h"

#include <stddef.h>
#include <stdlib.h>
#include <strings.h>

/* Sorted.  Refused by not being here: what loads code, registers tokenizers by
 * pointer, writes SQLite's log, or tells of the build. */
static const char *const functions[] = {
    "->",
    "->>",
    "abs",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "avg",
    "bm25",
    "ceil",
    "ceiling",
    "changes",
    "char",
    "coalesce",
    "concat",
    "concat_ws",
    "cos",
    "cosh",
    "count",
    "cume_dist",
    "current_date",
    "current_time",
    "current_timestamp",
    "date",
    "datetime",
    "degrees",
    "dense_rank",
    "exp",
    "first_value",
    "floor",
    "format",
    "glob",
    "group_concat",
    "hex",
    "highlight",
    "if",
    "ifnull",
    "iif",
    "instr",
    "json",
    "json_array",
    "json_array_length",
    "json_each",
    "json_error_position",
    "json_extract",
    "json_group_array",
    "json_group_object",
    "json_insert",
    "json_object",
    "json_patch",
    "json_pretty",
    "json_quote",
    "json_remove",
    "json_replace",
    "json_set",
    "json_tree",
    "json_type",
    "json_valid",
    "jsonb",
    "jsonb_array",
    "jsonb_extract",
    "jsonb_group_array",
    "jsonb_group_object",
    "jsonb_insert",
    "jsonb_object",
    "jsonb_patch",
    "jsonb_remove",
    "jsonb_replace",
    "jsonb_set",
    "julianday",
    "lag",
    "last_insert_rowid",
    "last_value",
    "lead",
    "length",
    "like",
    "likelihood",
    "likely",
    "ln",
    "log",
    "log10",
    "log2",
    "lower",
    "ltrim",
    "match",
    "max",
    "median",
    "min",
    "mod",
    "nth_value",
    "ntile",
    "nullif",
    "octet_length",
    "percent_rank",
    "percentile",
    "pi",
    "pow",
    "power",
    "printf",
    "quote",
    "radians",
    "random",
    "randomblob",
    "rank",
    "replace",
    "round",
    "row_number",
    "rtreecheck",
    "rtreedepth",
    "rtreenode",
    "rtrim",
    "sign",
    "sin",
    "sinh",
    "snippet",
    "soundex",
    /* Called only by what ALTER TABLE runs inside SQLite. */
    "sqlite_drop_column",
    "sqlite_rename_column",
    "sqlite_rename_quotefix",
    "sqlite_rename_table",
    "sqlite_rename_test",
    "sqrt",
    "strftime",
    "string_agg",
    "substr",
    "substring",
    "subtype",
    "sum",
    "tan",
    "tanh",
    "time",
    "timediff",
    "total",
    "total_changes",
    "trim",
    "trunc",
    "typeof",
    "unhex",
    "unicode",
    "unixepoch",
    "unlikely",
    "upper",
    "zeroblob",
};

static const char *const modules[] = {"fts5", "fts5vocab", "rtree",
                                      "rtree_i32"};

static const struct {
    const char *name;
    enum sql_pragma kind;
} pragmas[] = {
    {"table_list", SQL_PRAGMA_ANY},
    {"table_info", SQL_PRAGMA_ANY},
    {"table_xinfo", SQL_PRAGMA_ANY},
    {"index_list", SQL_PRAGMA_ANY},
    {"index_info", SQL_PRAGMA_ANY},
    {"index_xinfo", SQL_PRAGMA_ANY},
    {"foreign_key_list", SQL_PRAGMA_ANY},
    {"foreign_key_check", SQL_PRAGMA_ANY},
    {"quick_check", SQL_PRAGMA_ANY},
    {"optimize", SQL_PRAGMA_INTEGER},
    {"data_version", SQL_PRAGMA_READ},
    {"page_size", SQL_PRAGMA_READ},
    {"foreign_keys", SQL_PRAGMA_FLAG},
    {"defer_foreign_keys", SQL_PRAGMA_FLAG},
    {"recursive_triggers", SQL_PRAGMA_FLAG},
    {"case_sensitive_like", SQL_PRAGMA_FLAG},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int compare(const void *key, const void *member)
{
    return strcasecmp(key, *(const char *const *)member);
}

bool sql_allowed_function(const char *name)
{
    return bsearch(name, functions, COUNT(functions), sizeof(functions[0]),
                   compare) != NULL;
}

bool sql_allowed_module(const char *name)
{
    return bsearch(name, modules, COUNT(modules), sizeof(modules[0]),
                   compare) != NULL;
}

enum sql_pragma sql_allowed_pragma(const char *name)
{
    for (size_t i = 0; i < COUNT(pragmas); i++) {
        if (strcasecmp(pragmas[i].name, name) == 0)
            return pragmas[i].kind;
    }
    return SQL_PRAGMA_REFUSED;
}
