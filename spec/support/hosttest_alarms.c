/*
 * hosttest_alarms.c - a realm with a script in C, a store on a simulated disk
 * and a clock that the spec moves, for the specs of alarms.
 *
 *   local w = T.world{ rate =, heap =, seed = }
 *   w:call("a", "set x 1000 every=5000")   -- commands, see run_command
 *   w:set{ alarm = "put" }                 -- what the handler does
 *   w:advance(1000); w:log()
 *
 * Names of alarms: "-" is the plain one.  Times are in milliseconds from when
 * the world began.
 */
#include <inttypes.h>
#include <lauxlib.h>
#include <lua.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "object/event.h"
#include "object/firing.h"
#include "object/object.h"
#include "store/alarm.h"
#include "store/db.h"
#include "store/kv.h"
#include "vm/code.h"
#include "vm/task.h"
#include "vm/vm.h"

int luaopen_hosttest_alarms(lua_State *L);

#define WORLD_MT "hosttest.alarms.world"
#define BEGIN_MS 1700000000000

enum { WORDS = 8, PROGRAM = 512 };

struct world {
    struct disk *disk;
    struct clock clock;
    struct random random;
    struct store *store;
    struct store_client *client;
    uv_loop_t loop;
    struct realm realm;
    struct code *code;
    struct scheduler_config alarms;
    struct buf log;
    char init[PROGRAM], alarm[PROGRAM]; /* what these handlers do */
    bool has_no_handler, cannot_open, holds_disk, is_quiet, is_closed;
    lua_Integer calls, fired;
    struct list waiters;
};

struct waiter {
    struct wait wait;
    struct list link;
};

struct logged_reply {
    struct reply reply;
    struct world *world;
    lua_Integer number;
};

static struct world *world_of(const struct object *o)
{
    return o->realm->config.host_arg;
}

static void note(struct world *w, const char *text)
{
    buf_printf(&w->log, "%" PRId64 " %s\n", w->clock.wall_ms - BEGIN_MS, text);
}

#define NOTE(w, ...)                                                           \
    do {                                                                       \
        char text[512];                                                        \
        snprintf(text, sizeof(text), __VA_ARGS__);                             \
        note(w, text);                                                         \
    } while (0)

static const char *id_of(const struct object *o, char room[33])
{
    memcpy(room, o->id.b + 8, 24);
    room[24] = '\0';
    return room;
}

/* ---- the script ---- */

static int script_open(struct object *o, struct error *err)
{
    const struct realm_config *r = &o->realm->config;
    struct vm_config config = {.clock = r->clock,
                               .random = r->random,
                               .code = o->code,
                               .memory_bytes = r->limits.memory_bytes,
                               .cpu_ns = r->limits.cpu_ns,
                               .owner = o};

    if (world_of(o)->cannot_open)
        return error_set(err, ERR_LUA, "does not load");
    return vm_new(&config, &o->vm);
}

static bool has_init(struct object *o)
{
    return world_of(o)->init[0] != '\0';
}

static bool has_alarm(struct object *o)
{
    return !world_of(o)->has_no_handler;
}

static int no_progress(void *o)
{
    (void)o;
    return 0;
}

static struct slice alarm_name(const char *word)
{
    return word == NULL || strcmp(word, "-") == 0 ? SLICE("") : slice_of(word);
}

/* set NAME DELAY [every=N] [cron=a_b_c_d_e] [missed=all|skip] */
static int set_alarm(struct object *o, char **word, int n, struct error *err)
{
    struct alarm a = {.name = alarm_name(word[1]),
                      .time = world_of(o)->clock.wall_ms + atoll(word[2])};

    for (int i = 3; i < n; i++) {
        char *value = strchr(word[i], '=') + 1;

        if (word[i][0] == 'e')
            a.every = atoll(value);
        else if (word[i][0] == 'm')
            a.missed = value[0] == 'a' ? ALARM_EACH : ALARM_SKIP;
        for (char *p = value; word[i][0] == 'c' && *p != '\0'; p++)
            *p = *p == '_' ? ' ' : *p;
        if (word[i][0] == 'c')
            a.cron = slice_of(value);
    }
    return alarm_set(o->db, &a, err);
}

static int get_alarm(struct object *o, const char *name, struct error *err)
{
    struct alarm a;
    int rc = alarm_get(o->db, alarm_name(name), &a, err);

    if (rc == 1 && !firing_is(o, a.name, a.generation))
        NOTE(world_of(o), "get %s: %" PRId64, name, a.time - BEGIN_MS);
    else if (rc >= 0)
        NOTE(world_of(o), "get %s: none", name);
    return rc;
}

static int note_dead(void *arg, const struct alarm *a)
{
    NOTE((struct world *)arg, "dead '%.*s' after %d: %.*s", (int)a->name.n,
         a->name.p == NULL ? "" : a->name.p, a->retries, (int)a->error.n,
         a->error.p);
    return 0;
}

/* < 0: it failed. */
static int run_command(struct object *o, char **word, int n, struct error *err)
{
    struct world *w = world_of(o);
    const char *what = n == 0 ? "" : word[0];
    struct db *db;
    int rc = object_open_db(o, &db, err);

    if (rc != 0)
        return rc;
    if (strcmp(what, "set") == 0)
        return set_alarm(o, word, n, err);
    if (strcmp(what, "delete") == 0)
        return alarm_delete(o->db, alarm_name(word[1]), err);
    if (strcmp(what, "get") == 0)
        return get_alarm(o, word[1], err);
    if (strcmp(what, "dead") == 0)
        return alarm_each(o->db, ALARM_DEAD, note_dead, w, err);
    if (strcmp(what, "deleteAll") == 0)
        return db_delete_all(o->db, err);
    if (strcmp(what, "put") == 0)
        return kv_put(o->db, SLICE("k"), SLICE("v"), KV_CONFIRMED, err);
    if (strcmp(what, "say") == 0)
        NOTE(w, "%s", word[1]);
    return 0;
}

/* ---- its tasks ---- */

static const char *program_of(struct event *e, struct object *o)
{
    struct world *w = world_of(o);
    const struct firing *f = o->firing;
    char room[33];

    if (e->kind == EVENT_CALL)
        return e->method;
    if (e->kind == EVENT_INIT)
        return w->init;
    MUST(e->kind == EVENT_ALARM);
    w->fired++;
    if (!w->is_quiet)
        NOTE(w, "alarm %s/%.*s of %" PRId64 "%s", id_of(o, room),
             (int)f->name.n, f->name.p == NULL ? "" : f->name.p,
             f->time - BEGIN_MS, f->retries == 0 ? "" : " again");
    return w->alarm;
}

static void on_cancel(struct wait *wait)
{
    struct waiter *one = container_of(wait, struct waiter, wait);

    list_unlink(&one->link);
    free(one);
}

static int run_rest(lua_State *L, int status, lua_KContext ctx);

static int wait_for_wake(lua_State *L, struct world *w, const char *rest)
{
    struct waiter *one = mem_zalloc(sizeof(*one));

    lua_settop(L, 1);
    lua_pushstring(L, rest);
    list_push(&w->waiters, &one->link);
    wait_begin(&one->wait, task_check(L), on_cancel);
    return lua_yieldk(L, 0, 0, run_rest);
}

/* fail [N]: before the N-th retry; abort; giveup */
static bool is_end(const struct object *o, char **word, int n)
{
    if (n == 0)
        return false;
    if (strcmp(word[0], "fail") == 0)
        return n == 1 || o->firing->retries < atoi(word[1]);
    return strcmp(word[0], "abort") == 0 || strcmp(word[0], "giveup") == 0;
}

static int end(lua_State *L, struct object *o, const char *how)
{
    if (how[0] == 'f')
        return luaL_error(L, "failed on purpose");
    if (how[0] == 'g')
        firing_give_up(o);
    vm_kill(o->vm, VM_ABORTED, "aborted on purpose");
    return vm_die(L);
}

static int run_program(lua_State *L, const char *program)
{
    struct object *o = vm_owner(vm_of(L));
    char copy[PROGRAM];
    char *rest = copy;

    snprintf(copy, sizeof(copy), "%s", program);
    while (rest != NULL && *rest != '\0') {
        struct error err = {0};
        char *word[WORDS];
        int n = 0;
        char *command = strsep(&rest, ";");

        for (char *t = strtok(command, " "); t != NULL && n < WORDS;
             t = strtok(NULL, " "))
            word[n++] = t;
        if (is_end(o, word, n))
            return end(L, o, word[0]);
        if (n != 0 && strcmp(word[0], "wait") == 0)
            return wait_for_wake(L, world_of(o), rest == NULL ? "" : rest);
        if (run_command(o, word, n, &err) < 0)
            return luaL_error(L, "%s", err.text);
    }
    return 0;
}

static int run_rest(lua_State *L, int status, lua_KContext ctx)
{
    (void)status, (void)ctx;
    return run_program(L, lua_tostring(L, 2));
}

static int entry(lua_State *L)
{
    struct event *e = lua_touserdata(L, 1);

    lua_settop(L, 1);
    return run_program(L, program_of(e, vm_owner(vm_of(L))));
}

static void finish(struct task *t, struct event *e)
{
    if (t->status == TASK_FAILED)
        outcome_fail(&e->outcome, NULL, "%s", lua_tostring(t->L, -1));
}

/* Its events wait for the driver alone, not for other objects. */
static void waits(struct object *o, struct event *e, struct buf *out)
{
    (void)o, (void)e, (void)out;
}

static const struct script_ops script = {.open = script_open,
                                         .has_init = has_init,
                                         .has_alarm = has_alarm,
                                         .progress = no_progress,
                                         .entry = entry,
                                         .finish = finish,
                                         .waits = waits};

/* ---- the host ---- */

static void on_log(void *host, struct object *o, enum log_level level,
                   struct slice message, struct slice fields,
                   struct slice trace)
{
    (void)o, (void)level, (void)fields, (void)trace;
    NOTE((struct world *)host, "log: %.*s", (int)message.n, message.p);
}

static void no_key(void *host, const char *name, uint8_t key[32])
{
    (void)host, (void)name;
    memset(key, 0, 32);
}

static const struct host_ops host = {.log = on_log, .class_key = no_key};

#include "spec/support/alarms_face.h"
