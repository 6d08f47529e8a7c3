#include "store/chance.h"

#include <stdlib.h>

/* random() -> an integer, any of 64 bits. */
static void random_integer(sqlite3_context *c, int n, sqlite3_value **args)
{
    (void)n;
    (void)args;
    sqlite3_result_int64(c, (sqlite3_int64)random_u64(sqlite3_user_data(c)));
}

/* randomblob(n) -> n bytes, at least 1. */
static void random_blob(sqlite3_context *c, int n, sqlite3_value **args)
{
    sqlite3_int64 wanted = sqlite3_value_int64(args[0]);
    sqlite3 *db = sqlite3_context_db_handle(c);
    int most = sqlite3_limit(db, SQLITE_LIMIT_LENGTH, -1);

    (void)n;
    if (wanted < 1)
        wanted = 1;
    if (wanted > most) {
        sqlite3_result_error_toobig(c);
        return;
    }
    void *bytes = sqlite3_malloc64((sqlite3_uint64)wanted);
    if (bytes == NULL) {
        sqlite3_result_error_nomem(c);
        return;
    }
    random_bytes(sqlite3_user_data(c), bytes, (size_t)wanted);
    sqlite3_result_blob64(c, bytes, (sqlite3_uint64)wanted, sqlite3_free);
}

int chance_set(sqlite3 *db, struct random *r)
{
    const int flags = SQLITE_UTF8 | SQLITE_INNOCUOUS;
    int rc = sqlite3_create_function_v2(db, "random", 0, flags, r,
                                        random_integer, NULL, NULL, NULL);

    if (rc != SQLITE_OK)
        return rc;
    return sqlite3_create_function_v2(db, "randomblob", 1, flags, r,
                                      random_blob, NULL, NULL, NULL);
}
