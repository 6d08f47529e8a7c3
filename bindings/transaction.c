/* storage:transaction. */
#include "bindings/bind.h"
#include "bindings/storage.h"
#include "bindings/trace.h"
#include "store/db.h"
#include "vm/task.h"
#include "vm/vm.h"

static const char forbidden[] = "cannot wait inside a transaction";

/* The innermost transaction is over: those around it still forbid. */
static void allow_wait(lua_State *L, struct db *db)
{
    if (db_savepoint_depth(db) == 0)
        task_forbid_wait(vm_of(L), NULL);
}

/* Stack: storage, a handler, then the results of fn, or its error on top.
 * `depth` is that of this transaction. */
static int finish(lua_State *L, int status, lua_KContext depth)
{
    struct error err = {0};

    if (vm_death(vm_of(L)) != VM_ALIVE)
        return vm_die(L);
    struct db *db = bind_db(L);
    /* Where fn yielded out of the transaction by a coroutine of the script,
     * others may have begun, or the turn may have ended. */
    if (db_savepoint_depth(db) != (int)depth)
        return bind_raise(L, NULL,
                          "the transaction was not ended where it began: a "
                          "coroutine yielded inside it");
    int rc = status == LUA_OK || status == LUA_YIELD
                 ? db_savepoint_release(db, &err)
                 : db_savepoint_undo(db, &err);
    allow_wait(L, db);
    if (rc < 0)
        return bind_db_failed(L, NULL, &err);
    if (status != LUA_OK && status != LUA_YIELD)
        return lua_error(L);
    return lua_gettop(L) - 2;
}

/*
 * storage:transaction(fn) -> what fn returns
 *
 * An error in fn undoes what was written in it and goes on to the caller.
 * Nests.  Waiting inside raises.
 */
int storage_transaction(lua_State *L)
{
    struct db *db = storage_check(L, "storage:transaction");
    struct error err = {0};

    if (lua_type(L, 2) != LUA_TFUNCTION)
        return bind_raise(L, NULL, "transaction() takes a function, got %s",
                          bind_what(L, 2));
    lua_settop(L, 2);
    lua_pushcfunction(L, trace_keep);
    lua_insert(L, 2);
    int depth = db_savepoint_begin(db, &err);
    if (depth < 0)
        return bind_db_failed(L, NULL, &err);
    task_forbid_wait(vm_of(L), forbidden);
    int status = lua_pcallk(L, 0, LUA_MULTRET, 2, depth, finish);
    return finish(L, status, depth);
}
