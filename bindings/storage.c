#include "bindings/storage.h"

#include "bindings/bind.h"
#include "bindings/modules.h"
#include "store/db.h"
#include "store/kv.h"
#include "vm/task.h"
#include "vm/value.h"
#include "vm/vm.h"

enum { ROOT_MAX = 128 }; /* "value of 'key'" */

static const char meta_key; /* address, as a registry key */

struct db *storage_check(lua_State *L, const char *name)
{
    if (lua_type(L, 1) != LUA_TTABLE)
        bind_raise(L, NULL,
                   "%s() must be called with a colon, got %s before "
                   "its arguments",
                   name, bind_what(L, 1));
    return bind_db(L);
}

struct slice storage_check_key(lua_State *L, int idx, const char *what)
{
    struct slice key = bind_to_slice(L, idx);

    if (key.p == NULL)
        bind_raise(L, NULL, "%s must be a string, got %s", what,
                   bind_what(L, idx));
    if (key.n == 0)
        bind_raise(L, NULL, "%s cannot be empty", what);
    if (key.n > KV_KEY_MAX)
        bind_raise(L, "too_large",
                   "Keys cannot be larger than %d bytes. A key of size %zu was "
                   "provided.",
                   KV_KEY_MAX, key.n);
    return key;
}

/* Push the value that `bytes` encode. */
static void push_value(lua_State *L, struct slice key, struct slice bytes)
{
    struct error err = {0};
    size_t used = 0;

    vm_charge(L, bytes.n / 8);
    if (value_decode(L, bytes, &bind_stored_hooks, &used, &err) != 0)
        bind_raise(L, NULL, "the value stored under '%.*s' is damaged: %s",
                   (int)(key.n < 100 ? key.n : 100), key.p, err.text);
}

/* Push the value of the key, or nil. */
static int push_one(lua_State *L, struct db *db, struct slice key)
{
    struct error err = {0};
    struct slice bytes = {NULL, 0};

    int rc = kv_get(db, key, &bytes, &err);
    if (rc < 0)
        return bind_db_failed(L, NULL, &err);
    if (rc == 0)
        lua_pushnil(L);
    else
        push_value(L, key, bytes);
    return 1;
}

/* The keys in the array at 2 are checked before anything is done with them. */
static lua_Integer check_keys(lua_State *L, const char *name)
{
    char what[64];
    lua_Integer n = (lua_Integer)lua_rawlen(L, 2);

    for (lua_Integer i = 1; i <= n; i++) {
        snprintf(what, sizeof(what), "%s() key %lld", name, (long long)i);
        lua_rawgeti(L, 2, i);
        storage_check_key(L, -1, what);
        lua_pop(L, 1);
    }
    return n;
}

/*
 * storage:get(key) -> value or nil
 * storage:get{ key, ... } -> table key -> value, of those that exist
 */
static int get(lua_State *L)
{
    struct db *db = storage_check(L, "storage:get");

    if (lua_type(L, 2) != LUA_TTABLE)
        return push_one(L, db, storage_check_key(L, 2, "get() key"));
    lua_settop(L, 2);
    lua_Integer n = check_keys(L, "get");
    lua_createtable(L, 0, (int)(n < 1024 ? n : 1024));
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, 2, i);
        push_one(L, db, bind_to_slice(L, -1));
        lua_rawset(L, 3);
    }
    return 1;
}

static bool check_unconfirmed(lua_State *L, int idx, const char *name)
{
    if (lua_isnoneornil(L, idx))
        return false;
    if (lua_type(L, idx) != LUA_TTABLE)
        bind_raise(L, NULL, "%s() options must be a table, got %s", name,
                   bind_what(L, idx));
    lua_pushliteral(L, "allowUnconfirmed");
    lua_rawget(L, idx);
    if (!lua_isnil(L, -1) && !lua_isboolean(L, -1))
        bind_raise(L, NULL,
                   "%s() option allowUnconfirmed must be a boolean, "
                   "got %s",
                   name, bind_what(L, -1));
    bool is_set = lua_toboolean(L, -1) != 0;
    lua_pop(L, 1);
    return is_set;
}

/* One call of put. */
struct put {
    struct db *db;
    struct value_hooks hooks;
    enum kv_confirm confirm;
    struct buf *out; /* scratch */
};

/* With the options at `options`; the scratch comes last. */
static struct put new_put(lua_State *L, struct db *db, int options)
{
    bool unconfirmed = check_unconfirmed(L, options, "put");

    return (struct put){.db = db,
                        .hooks = bind_stored_hooks,
                        .confirm = unconfirmed ? KV_UNCONFIRMED : KV_CONFIRMED};
}

/* Encode the value at `idx` and store it.  Never raises. */
static int put_one(lua_State *L, const struct put *p, struct slice key, int idx,
                   struct error *err)
{
    p->out->n = 0;
    int rc = value_encode(L, idx, &p->hooks, KV_ENTRY_MAX - key.n, p->out, err);
    if (rc == ERR_TOO_BIG)
        return error_set(err, rc,
                         "%s: a key and its value cannot be larger than %d "
                         "bytes together",
                         p->hooks.root, KV_ENTRY_MAX);
    if (rc != 0)
        return rc;
    return kv_put(p->db, key, buf_slice(p->out), p->confirm, err);
}

/* What put_one said, raised: the caller's mistake or the store's failure. */
static int put_failed(lua_State *L, int rc, const struct error *err)
{
    if (rc == ERR_TOO_BIG)
        return bind_raise_error(L, "too_large", err);
    return rc == ERR_INVALID ? bind_raise_error(L, NULL, err)
                             : bind_db_failed(L, NULL, err);
}

static int put_single(lua_State *L, struct db *db)
{
    struct slice key = storage_check_key(L, 2, "put() key");
    struct put p = new_put(L, db, 4);
    struct error err = {0};

    if (lua_isnoneornil(L, 3))
        return bind_raise(L, NULL,
                          "put() called with undefined value. (nil: mk.null "
                          "can be stored, delete() removes)");
    p.out = bind_scratch(L);
    int rc = put_one(L, &p, key, 3, &err);
    if (rc != 0)
        return put_failed(L, rc, &err);
    vm_charge(L, p.out->n / 8);
    return 0;
}

/* Every pair of the table at 2; paths begin with `root`.  Never raises. */
static int put_pairs(lua_State *L, const struct put *p, char root[ROOT_MAX],
                     struct error *err)
{
    lua_pushnil(L);
    while (lua_next(L, 2) != 0) {
        struct slice key = bind_to_slice(L, -2);

        snprintf(root, ROOT_MAX, "value of '%.*s'",
                 (int)(key.n < 100 ? key.n : 100), key.p);
        int rc = put_one(L, p, key, lua_gettop(L), err);
        if (rc != 0)
            return rc;
        lua_pop(L, 1);
    }
    return 0;
}

/* All or none: in a nested transaction. */
static int put_many(lua_State *L, struct db *db)
{
    struct put p = new_put(L, db, 3);
    struct error err = {0};
    char root[ROOT_MAX];

    lua_settop(L, 2);
    lua_pushnil(L);
    while (lua_next(L, 2) != 0) {
        lua_pop(L, 1);
        storage_check_key(L, -1, "put() key");
    }
    p.hooks.root = root;
    p.out = bind_scratch(L);
    luaL_checkstack(L, 16, NULL);
    if (db_savepoint_begin(db, &err) < 0)
        return bind_db_failed(L, NULL, &err);
    int rc = put_pairs(L, &p, root, &err);
    if (rc == 0)
        rc = db_savepoint_release(db, &err);
    else
        db_savepoint_undo(db, NULL);
    return rc != 0 ? put_failed(L, rc, &err) : 0;
}

/*
 * storage:put(key, value [, { allowUnconfirmed = true }])
 * storage:put({ key = value, ... } [, options]): all of them or none
 *
 * Raises the path to what cannot be stored; nothing is written then.
 */
static int put(lua_State *L)
{
    struct db *db = storage_check(L, "storage:put");

    if (lua_type(L, 2) == LUA_TTABLE)
        return put_many(L, db);
    return put_single(L, db);
}

/*
 * storage:delete(key) -> whether it was there
 * storage:delete{ key, ... } -> how many were there
 */
static int delete (lua_State *L)
{
    struct db *db = storage_check(L, "storage:delete");
    struct error err = {0};
    lua_Integer count = 0;

    if (lua_type(L, 2) != LUA_TTABLE) {
        struct slice key = storage_check_key(L, 2, "delete() key");
        int rc = kv_delete(db, key, &err);

        if (rc < 0)
            return bind_db_failed(L, NULL, &err);
        lua_pushboolean(L, rc);
        return 1;
    }
    lua_settop(L, 2);
    lua_Integer n = check_keys(L, "delete");
    if (db_savepoint_begin(db, &err) < 0)
        return bind_db_failed(L, NULL, &err);
    int rc = 0;
    for (lua_Integer i = 1; i <= n && rc >= 0; i++) {
        lua_rawgeti(L, 2, i);
        rc = kv_delete(db, bind_to_slice(L, -1), &err);
        count += rc > 0;
        lua_pop(L, 1);
    }
    if (rc >= 0)
        rc = db_savepoint_release(db, &err);
    else
        db_savepoint_undo(db, NULL);
    if (rc < 0)
        return bind_db_failed(L, NULL, &err);
    lua_pushinteger(L, count);
    return 1;
}

/* storage:deleteAll(): keys, tables and alarms.  Raises inside a
 * transaction. */
static int delete_all(lua_State *L)
{
    struct db *db = storage_check(L, "storage:deleteAll");
    struct error err = {0};

    if (db_savepoint_depth(db) > 0)
        return bind_raise(L, NULL,
                          "Cannot call deleteAll() within a transaction");
    if (db_delete_all(db, &err) != 0)
        return bind_db_failed(L, NULL, &err);
    return 0;
}

static int synced(lua_State *L, int status, lua_KContext ctx)
{
    struct task *t = task_current(L);
    int result = t != NULL ? t->result : 0;

    (void)status, (void)ctx;
    if (result != 0)
        return bind_raise(L, "reset", "the writes did not reach the disk: %s",
                          err_text(result));
    return 0;
}

/* storage:sync(): wait until all writes so far are on disk. */
static int sync_writes(lua_State *L)
{
    storage_check(L, "storage:sync");
    return bind_wait_durable(L, synced);
}

static const luaL_Reg methods[] = {
    {"get", get},
    {"put", put},
    {"delete", delete},
    {"list", storage_list},
    {"deleteAll", delete_all},
    {"transaction", storage_transaction},
    {"sync", sync_writes},
    {NULL, NULL},
};

/* storage[name], the first time: remembered in the table. */
static int lookup(lua_State *L)
{
    const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
    lua_CFunction f = bind_find(methods, name);

    lua_settop(L, 2);
    if (f == NULL)
        f = bind_find(bind_storage_alarms, name);
    if (f == NULL)
        f = bind_find(bind_storage_bookmarks, name);
    if (f != NULL)
        lua_pushcfunction(L, f);
    else if (strcmp(name, "sql") == 0)
        bind_open_sql(L);
    else
        return 0;
    lua_pushvalue(L, 2);
    lua_pushvalue(L, 3);
    lua_rawset(L, 1);
    return 1;
}

int bind_open_storage(lua_State *L)
{
    lua_newtable(L);
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &meta_key) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_createtable(L, 0, 3);
        lua_pushcfunction(L, lookup);
        lua_setfield(L, -2, "__index");
        lua_pushliteral(L, "storage");
        lua_setfield(L, -2, "__name");
        lua_pushboolean(L, 0);
        lua_setfield(L, -2, "__metatable");
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &meta_key);
    }
    lua_setmetatable(L, -2);
    return 1;
}
