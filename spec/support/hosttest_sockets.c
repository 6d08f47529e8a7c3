/*
 * hosttest_sockets.c - a realm with a script and peers in C, a store on a
 * simulated disk and a clock that stands still, for the specs of sockets.
 *
 *   local w = T.world()
 *   w:call("a", "new 1;accept 1 red;send 1 hi")   -- commands, see run_command
 *   w:attach(1); w:message(1, "put;send 1 yes"); w:run(); w:log()
 *
 * A message is a list of commands as well.  Sockets and their peers are known
 * by a number that the spec gives; the world is a holder of each.
 */
#include <lauxlib.h>
#include <lua.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "object/event.h"
#include "object/object.h"
#include "object/socket.h"
#include "object/socket_inside.h"
#include "store/db.h"
#include "store/kv.h"
#include "vm/code.h"
#include "vm/task.h"
#include "vm/vm.h"

int luaopen_hosttest_sockets(lua_State *L);

#define WORLD_MT "hosttest.sockets.world"

enum { SLOTS = 64, WORDS = 8 };

struct world {
    struct disk *disk;
    struct clock clock;
    struct store *store;
    struct store_client *client;
    uv_loop_t loop;
    struct realm realm;
    struct code *code;
    struct buf log;
    char init[256], closing[256]; /* what these handlers do; "": none */
    bool cannot_open, is_quiet, is_closed;
    struct list waiters;
    struct slot {
        struct world *world;
        int n;
        struct socket *socket; /* held */
        struct socket *peer;   /* the same, held by the peer; NULL: none */
    } slots[SLOTS];
};

struct waiter {
    struct wait wait;
    struct list link;
};

struct logged_reply {
    struct reply reply;
    struct world *world;
};

static struct world *world_of(const struct object *o)
{
    return o->realm->config.host_arg;
}

static const char *name_of(struct world *w, const struct socket *s)
{
    static char name[24];

    for (int i = 0; i < SLOTS; i++) {
        if (w->slots[i].socket == s || w->slots[i].peer == s) {
            snprintf(name, sizeof(name), "%d", i);
            return name;
        }
    }
    return "?";
}

static void note(struct world *w, struct slice text)
{
    if (w->is_quiet)
        return;
    buf_add_slice(&w->log, text);
    buf_add_byte(&w->log, '\n');
}

#define NOTE(w, ...)                                                           \
    do {                                                                       \
        char text[512];                                                        \
        snprintf(text, sizeof(text), __VA_ARGS__);                             \
        note(w, slice_of(text));                                               \
    } while (0)

/* ---- peers ---- */

static void peer_send(void *peer, struct packet *p)
{
    struct slot *t = peer;

    NOTE(t->world, "%d< %.*s", t->n, (int)p->n, p->bytes);
}

static void peer_close(void *peer, int code, struct slice reason)
{
    struct slot *t = peer;

    NOTE(t->world, "%d< close %d %.*s", t->n, code, (int)reason.n, reason.p);
}

static void peer_cut(void *peer)
{
    struct slot *t = peer;
    struct socket *s = t->peer;

    NOTE(t->world, "%d< cut", t->n);
    t->peer = NULL;
    socket_drop(s);
}

static void peer_want(void *peer, bool is_wanted)
{
    struct slot *t = peer;

    NOTE(t->world, "%d< %s", t->n, is_wanted ? "go on" : "stop");
}

static const struct peer_ops connection = {
    .send = peer_send,
    .close = peer_close,
    .cut = peer_cut,
    .want = peer_want,
    .is_connection = true,
};
static const struct peer_ops in_script = {
    .send = peer_send,
    .close = peer_close,
    .cut = peer_cut,
    .want = peer_want,
};

/* Peers that only count. */
static void no_send(void *peer, struct packet *p)
{
    (void)peer, (void)p;
}

static void no_close(void *peer, int code, struct slice reason)
{
    (void)peer, (void)code, (void)reason;
}

static void no_cut(void *peer)
{
    socket_drop(peer);
}

static void no_want(void *peer, bool is_wanted)
{
    (void)peer, (void)is_wanted;
}

static const struct peer_ops silent = {no_send, no_close, no_cut, no_want,
                                       true};

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
    NOTE(world_of(o), "wake");
    return vm_new(&config, &o->vm);
}

static bool has_init(struct object *o)
{
    return world_of(o)->init[0] != '\0';
}

static int no_progress(void *o)
{
    (void)o;
    return 0;
}

static struct socket *slot(struct world *w, const char *n)
{
    return n == NULL ? NULL : w->slots[atoi(n)].socket;
}

static void write_something(struct object *o)
{
    struct db *db;

    MUST(object_open_db(o, &db, NULL) == 0);
    MUST(kv_put(db, SLICE("k"), SLICE("v"), KV_CONFIRMED, NULL) == 0);
}

static void list_sockets(struct object *o, const char *tag)
{
    struct slice only = slice_of(tag);
    char line[256] = "sockets";

    for (struct socket *s = sockets_next(o, NULL, only); s != NULL;
         s = sockets_next(o, s, only)) {
        size_t n = strlen(line);

        snprintf(line + n, sizeof(line) - n, " %s", name_of(world_of(o), s));
    }
    note(world_of(o), slice_of(line));
}

static void accept_socket(struct object *o, char **word, int count)
{
    struct slice tags[WORDS];

    for (int i = 2; i < count; i++)
        tags[i - 2] = slice_of(word[i]);
    int rc = socket_accept_hibernatable(slot(world_of(o), word[1]), tags,
                                        (size_t)(count > 2 ? count - 2 : 0));

    if (rc != 0)
        NOTE(world_of(o), "refused: %s", err_name(rc));
}

static void note_news(struct world *w, const char *who,
                      const struct socket_news *n, const char *name)
{
    static const char *const kinds[] = {"message", "close", "error"};
    char code[32] = "";

    if (n->kind == SOCKET_CLOSE)
        snprintf(code, sizeof(code), " %d %s", n->code,
                 n->was_clean ? "clean" : "unclean");
    NOTE(w, "%s %s%s%s %.*s", kinds[n->kind], name, who, code, (int)n->bytes.n,
         n->bytes.p == NULL ? "" : n->bytes.p);
}

static void receive(struct object *o, const char *n)
{
    struct socket_news *news = socket_receive(slot(world_of(o), n));

    if (news == NULL)
        NOTE(world_of(o), "nothing");
    else
        note_news(world_of(o), " received", news, n);
    socket_news_free(news);
}

static void broadcast(struct object *o, char **word, int count)
{
    struct packet *p = packet_new(slice_of(word[1]), false);
    struct slice tag =
        slice_of(count > 2 && strcmp(word[2], "-") != 0 ? word[2] : NULL);
    struct socket *except = slot(world_of(o), count > 3 ? word[3] : NULL);
    size_t sent = sockets_broadcast(o, p, tag, &except, except != NULL);

    NOTE(world_of(o), "sent to %zu", sent);
    packet_drop(p);
}

static void send_text(struct world *w, char **word)
{
    struct packet *p = packet_new(slice_of(word[2]), false);

    socket_send(slot(w, word[1]), p);
    packet_drop(p);
}

static void make(struct object *o, const char *n)
{
    struct world *w = world_of(o);

    MUST(slot(w, n) == NULL);
    w->slots[atoi(n)].socket = socket_new(o);
}

static void drop(struct world *w, const char *n)
{
    struct socket *s = slot(w, n);

    w->slots[atoi(n)].socket = NULL;
    socket_drop(s);
}

static void run_command(struct object *o, char **word, int n)
{
    struct world *w = world_of(o);
    const char *what = n == 0 ? "" : word[0];

    if (strcmp(what, "new") == 0)
        make(o, word[1]);
    else if (strcmp(what, "accept") == 0)
        accept_socket(o, word, n);
    else if (strcmp(what, "plain") == 0)
        socket_accept_plain(slot(w, word[1]));
    else if (strcmp(what, "listen") == 0)
        socket_listen(slot(w, word[1]));
    else if (strcmp(what, "receive") == 0)
        receive(o, word[1]);
    else if (strcmp(what, "drop") == 0)
        drop(w, word[1]);
    else if (strcmp(what, "send") == 0)
        send_text(w, word);
    else if (strcmp(what, "close") == 0)
        socket_close(slot(w, word[1]), atoi(word[2]),
                     slice_of(n > 3 ? word[3] : NULL));
    else if (strcmp(what, "broadcast") == 0)
        broadcast(o, word, n);
    else if (strcmp(what, "list") == 0)
        list_sockets(o, n > 1 ? word[1] : NULL);
    else if (strcmp(what, "auto") == 0)
        sockets_set_auto(o, slice_of(n > 1 ? word[1] : NULL),
                         slice_of(n > 2 ? word[2] : NULL));
    else if (strcmp(what, "put") == 0)
        write_something(o);
    else if (strcmp(what, "say") == 0)
        NOTE(w, "%s", word[1]);
}

/* ---- its tasks ---- */

static const char *program_of(struct event *e, struct world *w, char *room)
{
    switch (e->kind) {
    case EVENT_CALL:
        return e->method;
    case EVENT_INIT:
        NOTE(w, "init");
        return w->init;
    case EVENT_SOCKET:
        note_news(w, "", e->news, name_of(w, e->news->socket));
        if (e->news->kind != SOCKET_MESSAGE)
            return e->news->kind == SOCKET_CLOSE ? w->closing : "";
        snprintf(room, 256, "%.*s", (int)e->news->bytes.n, e->news->bytes.p);
        return room;
    default:
        return "";
    }
}

static void on_cancel(struct wait *wait)
{
    struct waiter *one = container_of(wait, struct waiter, wait);

    list_unlink(&one->link);
    free(one);
}

static int run_rest(lua_State *L, int status, lua_KContext ctx);

static int wait_for_wake(lua_State *L, struct world *w, char *rest)
{
    struct waiter *one = mem_zalloc(sizeof(*one));

    lua_settop(L, 1);
    lua_pushstring(L, rest);
    list_push(&w->waiters, &one->link);
    wait_begin(&one->wait, task_check(L), on_cancel);
    return lua_yieldk(L, 0, 0, run_rest);
}

static int run_program(lua_State *L, const char *program)
{
    struct object *o = vm_owner(vm_of(L));
    char copy[512];
    char *rest = copy;

    snprintf(copy, sizeof(copy), "%s", program);
    while (rest != NULL && *rest != '\0') {
        char *word[WORDS];
        int n = 0;
        char *command = strsep(&rest, ";");

        for (char *t = strtok(command, " "); t != NULL && n < WORDS;
             t = strtok(NULL, " "))
            word[n++] = t;
        if (n != 0 && strcmp(word[0], "fail") == 0)
            return luaL_error(L, "failed on purpose");
        if (n != 0 && strcmp(word[0], "abort") == 0) {
            vm_kill(o->vm, VM_ABORTED, "aborted on purpose");
            return vm_die(L);
        }
        if (n != 0 && strcmp(word[0], "wait") == 0)
            return wait_for_wake(L, world_of(o), rest == NULL ? "" : rest);
        run_command(o, word, n);
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
    char room[256];

    lua_settop(L, 1);
    return run_program(L, program_of(e, world_of(vm_owner(vm_of(L))), room));
}

static void finish(struct task *t, struct event *e)
{
    struct object *o = vm_owner(t->vm);

    if (t->status != TASK_FAILED)
        return;
    outcome_fail(&e->outcome, NULL, "%s", lua_tostring(t->L, -1));
    NOTE(world_of(o), "unhandled: %s", lua_tostring(t->L, -1));
}

static void socket_ready(struct socket *s)
{
    NOTE(world_of(s->object), "ready %s", name_of(world_of(s->object), s));
}

static const struct script_ops script = {.open = script_open,
                                         .has_init = has_init,
                                         .progress = no_progress,
                                         .entry = entry,
                                         .finish = finish,
                                         .socket_ready = socket_ready};

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

#include "spec/support/sockets_face.h"
