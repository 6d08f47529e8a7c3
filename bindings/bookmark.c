/*
 * bookmark.c - storage:getCurrentBookmark, getBookmarkForTime,
 * onNextSessionRestoreBookmark.
 *
 * All three end the turn first:
 *
 *   wait --the turn is committed--> where it is --durable--> (a thread) --> k
 */
#include <stdlib.h>

#include "base/mem.h"
#include "base/must.h"
#include "bindings/alarms.h"
#include "bindings/bind.h"
#include "bindings/storage.h"
#include "object/chore.h"
#include "object/object.h"
#include "store/history.h"
#include "vm/task.h"

/* One call that waits.  Owned by the gate or the pool, then by its task. */
struct inquiry {
    struct wait wait;
    struct gate_item gate;
    struct chore chore;
    struct object *object; /* until the turn has ended */
    struct realm *realm;
    struct store *store;
    struct oid id;
    /* What is done on a thread; NULL: nothing. */
    int (*act)(struct inquiry *q, struct error *err);
    int64_t time;
    struct bookmark target; /* to go back to */
    struct bookmark found;  /* the answer */
    int rc;
    struct error why;
};

static void inquiry_free(void *arg)
{
    free(arg);
}

/* What it came to is for the task to read, if that is still there. */
static void finish(struct inquiry *q, int rc)
{
    struct task *t = q->wait.task;

    q->rc = rc;
    if (t == NULL) {
        free(q);
        return;
    }
    if (t->operation != NULL)
        t->drop(t->operation);
    t->operation = q;
    t->drop = inquiry_free;
    wait_done(&q->wait, 0);
}

/* ---- on a thread ---- */

static void run(struct chore *c)
{
    struct inquiry *q = container_of(c, struct inquiry, chore);

    q->rc = q->act(q, &q->why);
}

static void after(struct chore *c, int status)
{
    struct inquiry *q = container_of(c, struct inquiry, chore);

    finish(q, status != 0 ? status : q->rc);
}

static int find_time(struct inquiry *q, struct error *err)
{
    return history_at(q->store, &q->id, q->time, &q->found, err);
}

static int arm(struct inquiry *q, struct error *err)
{
    q->found.is_undo = true;
    return history_arm(q->store, &q->id, &q->target, err);
}

/* ---- waiting for the log ---- */

static void lost(struct inquiry *q, const struct error *failure)
{
    error_set(&q->why, failure->code, "the writes did not reach the disk: %s",
              failure->text);
    finish(q, failure->code);
}

static void on_durable(struct gate_item *item, const struct error *failure)
{
    struct inquiry *q = container_of(item, struct inquiry, gate);

    if (failure != NULL)
        lost(q, failure);
    else if (q->act == NULL)
        finish(q, 0);
    else if (q->wait.task == NULL)
        free(q);
    else
        chore_start(q->realm, &q->chore);
}

/* Nothing runs in the object between the commit and this. */
static void on_turn_over(struct gate_item *item, const struct error *failure)
{
    struct inquiry *q = container_of(item, struct inquiry, gate);

    if (failure != NULL) {
        lost(q, failure);
        return;
    }
    struct store_client *c = q->realm->config.store;

    q->found = history_now(c, q->object->cls->name, &q->id);
    q->object = NULL;
    q->gate.takes_none = false;
    q->gate.release = on_durable;
    /* What others have committed, which may be what the bookmark says, is on
     * disk without the gate's knowing. */
    gate_push(&q->realm->gate, &q->gate, store_commit_of(c, &q->id));
}

/* ---- the task ---- */

/* The gate or the pool still has it and frees it later. */
static void on_cancel(struct wait *w)
{
    (void)w;
}

static void describe(const struct wait *w, struct buf *out)
{
    const struct inquiry *q = container_of(w, struct inquiry, wait);

    buf_add_text(out, q->act == NULL ? "the disk" : "the object's history");
}

/* The name of the method is `ctx`. */
static int answer(lua_State *L, int status, lua_KContext ctx)
{
    struct task *t = task_current(L);
    struct inquiry *q = t->operation;
    struct error why = q->why;
    struct bookmark found = q->found;
    struct oid id = q->id;
    char text[BOOKMARK_TEXT + 1];
    int rc = q->rc;

    (void)status;
    t->operation = NULL;
    free(q);
    if (rc != 0)
        return bind_raise(L, rc == ERR_RESET ? "reset" : NULL, "%s: %s",
                          (const char *)ctx, why.text);
    bookmark_print(&found, &id, text);
    lua_pushstring(L, text);
    return 1;
}

/* Begin what `how` says, which is copied.  To be returned by a binding. */
static int begin(lua_State *L, const struct inquiry *how, const char *name)
{
    struct task *t = task_check(L);
    struct object *o = bind_object(L);
    struct inquiry *q = mem_alloc(sizeof(*q));

    *q = *how;
    q->object = o;
    q->realm = o->realm;
    q->store = history_store(o->realm->config.store);
    q->id = o->id;
    q->chore.run = run;
    q->chore.done = after;
    q->gate.release = on_turn_over;
    q->gate.takes_none = true;
    list_init(&q->gate.link);
    q->wait.describe = describe;
    wait_begin(&q->wait, t, on_cancel);
    object_send(o, &q->gate);
    return lua_yieldk(L, 0, (lua_KContext)name, answer);
}

/* ---- the methods ---- */

static void check_history(lua_State *L, const char *name)
{
    const struct realm_config *config = &bind_object(L)->realm->config;

    if (history_ms(history_store(config->store)) == 0)
        bind_raise(L, NULL,
                   "%s: no history is kept: history.days is 0 (set it in the "
                   "configuration: history = { days = 30 })",
                   name);
}

/*
 * storage:getCurrentBookmark() -> string
 *
 * Where the storage is now: with all that was written so far, and nothing that
 * is written after.  Bookmarks of one object sort, as strings, in the order of
 * time; there is one even where no history is kept.  Waits: what was written is
 * committed and on disk then.  Raises inside a transaction; with code "reset"
 * when the writes did not reach the disk.
 */
static int get_current(lua_State *L)
{
    storage_check(L, "storage:getCurrentBookmark");
    return begin(L, &(struct inquiry){0}, "getCurrentBookmark");
}

/*
 * storage:getBookmarkForTime(time) -> string
 *
 * Where the storage was at `time`, a whole number of milliseconds since the
 * Unix epoch, from 1 on.  Waits for the disk, as getCurrentBookmark does.
 * Raises for a time that is no such number, is to come, or before the history
 * that is kept; where none is kept; inside a transaction.
 */
static int get_for_time(lua_State *L)
{
    static const char name[] = "getBookmarkForTime";

    storage_check(L, "storage:getBookmarkForTime");
    int64_t time = alarms_check_time(L, 2, name);
    check_history(L, name);
    return begin(L, &(struct inquiry){.act = find_time, .time = time}, name);
}

/*
 * storage:onNextSessionRestoreBookmark(bookmark) -> a bookmark that undoes it
 *
 * When the object wakes next (ctx:abort() has that at once), all of its storage
 * goes back to `bookmark`: keys, tables, alarms.  What is written before that
 * is undone too, and is what the returned bookmark goes back to.  Of several
 * calls the last one counts.  Waits: it is on disk then.  Raises for what is no
 * bookmark of this object; one from which on history is not kept any more;
 * where none is kept; inside a transaction.
 */
static int restore_next(lua_State *L)
{
    static const char name[] = "onNextSessionRestoreBookmark";
    struct inquiry how = {.act = arm};
    struct error err;

    storage_check(L, "storage:onNextSessionRestoreBookmark");
    struct slice text = bind_to_slice(L, 2);
    if (text.p == NULL)
        bind_raise(L, NULL, "%s: the bookmark must be a string, got %s", name,
                   bind_what(L, 2));
    if (bookmark_parse(text, &bind_object(L)->id, &how.target, &err) != 0)
        bind_raise(L, NULL, "%s: %s", name, err.text);
    check_history(L, name);
    return begin(L, &how, name);
}

const luaL_Reg bind_storage_bookmarks[] = {
    {"getCurrentBookmark", get_current},
    {"getBookmarkForTime", get_for_time},
    {"onNextSessionRestoreBookmark", restore_next},
    {NULL, NULL},
};
