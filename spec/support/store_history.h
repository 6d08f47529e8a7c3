/*
 * store_history.h - worlds of hosttest_store.c: their clock, their files, and
 * the way back of their objects.
 */
#ifndef SPEC_STORE_HISTORY_H
#define SPEC_STORE_HISTORY_H

#include "store/history.h"

static struct lworld *check_world(lua_State *L)
{
    return luaL_checkudata(L, 1, WORLD_MT);
}

static struct oid check_id(lua_State *L, int at)
{
    int64_t number = luaL_checkinteger(L, at);
    struct oid id = {0};

    memcpy(id.b, &number, sizeof(number));
    return id;
}

/* world:tick(ms) -> the time after that */
static int world_tick(lua_State *L)
{
    struct lworld *w = check_world(L);

    clock_advance(&w->clock, luaL_checkinteger(L, 2));
    lua_pushinteger(L, clock_wall_ms(&w->clock));
    return 1;
}

static int add_file(void *arg, const char *name, bool is_folder)
{
    lua_State *L = arg;

    lua_pushfstring(L, "%s%s", name, is_folder ? "/" : "");
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    return 0;
}

/* world:files(folder) -> names, folders with a slash; no order */
static int world_files(lua_State *L)
{
    struct lworld *w = check_world(L);
    const char *folder = luaL_checkstring(L, 2);

    lua_newtable(L);
    w->disk->ops->list(w->disk, folder, add_file, L);
    return 1;
}

static int world_remove(lua_State *L)
{
    struct lworld *w = check_world(L);

    lua_pushinteger(L, w->disk->ops->remove(w->disk, luaL_checkstring(L, 2)));
    return 1;
}

/* world:damage(path, at): the byte there, from the end when negative */
static int world_damage(lua_State *L)
{
    struct lworld *w = check_world(L);
    const char *path = luaL_checkstring(L, 2);
    int64_t at = luaL_checkinteger(L, 3);
    struct file *f;
    char byte = 0;

    if (w->disk->ops->open(w->disk, path, DISK_WRITE, &f) != 0)
        return luaL_error(L, "no file %s", path);
    if (at < 0)
        at += w->disk->ops->size(f);
    w->disk->ops->pread(f, &byte, 1, at);
    byte ^= 0x55;
    const struct iovec v = {&byte, 1};
    w->disk->ops->pwritev(f, &v, 1, at);
    w->disk->ops->close(f);
    return 0;
}

/* world:capacity(bytes): of the disk, -1: no limit */
static int world_capacity(lua_State *L)
{
    disk_sim_capacity(check_world(L)->disk, luaL_checkinteger(L, 2));
    return 0;
}

static int give_bookmark(lua_State *L, const struct bookmark *b,
                         const struct oid *id)
{
    char text[BOOKMARK_TEXT + 1];

    bookmark_print(b, id, text);
    lua_pushstring(L, text);
    lua_pushinteger(L, (lua_Integer)b->number);
    return 2;
}

/* world:now(id [, undo]) -> text, number */
static int history_text(lua_State *L)
{
    struct lworld *w = check_world(L);
    struct oid id = check_id(L, 2);
    struct bookmark b = history_now(w->client, "Thing", &id);

    b.is_undo = lua_toboolean(L, 3);
    return give_bookmark(L, &b, &id);
}

/* world:at(id, ms) -> text, number; or nil, text, name of the error */
static int history_text_at(lua_State *L)
{
    struct lworld *w = check_world(L);
    struct oid id = check_id(L, 2);
    struct bookmark b;
    struct error e = {0};
    int rc = history_at(w->store, &id, luaL_checkinteger(L, 3), &b, &e);

    return rc != 0 ? fail_with(L, rc, &e, NULL) : give_bookmark(L, &b, &id);
}

/* world:arm(id, text) -> 0; or nil, text, name of the error */
static int history_set(lua_State *L)
{
    struct lworld *w = check_world(L);
    struct oid id = check_id(L, 2);
    struct bookmark b;
    struct error e = {0};
    int rc = bookmark_parse(check_bytes(L, 3), &id, &b, &e);

    if (rc == 0)
        rc = history_arm(w->store, &id, &b, &e);
    return result(L, rc, &e);
}

static int history_is_set(lua_State *L)
{
    struct lworld *w = check_world(L);
    struct oid id = check_id(L, 2);

    lua_pushboolean(L, history_is_armed(w->store, &id));
    return 1;
}

/* world:go(id) -> when its next alarm is; or nil, text, name of the error.  Its
 * database is not open. */
static int history_go(lua_State *L)
{
    struct lworld *w = check_world(L);
    struct oid id = check_id(L, 2);
    struct history_image *image = NULL;
    struct error e = {0};
    struct history_restored now = {0};
    int rc = history_read(w->store, &id, &image, &e);

    if (rc == 0)
        rc = history_restore(w->client, "Thing", &id, image, &now, &e);
    history_image_free(image);
    if (rc == 0)
        rc = store_pump(w->store) < 0 ? ERR_IO : 0;
    if (rc == 0)
        rc = history_disarm(w->store, &id, &e);
    if (rc != 0)
        return fail_with(L, rc, &e, NULL);
    lua_pushinteger(L, now.next_alarm);
    return 1;
}

#endif
