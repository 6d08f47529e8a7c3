#include "bindings/script_state.h"

#include <stdio.h>
#include <string.h>

#include "bindings/bind.h"
#include "bindings/class.h"
#include "bindings/modules.h"
#include "bindings/names.h"
#include "bindings/state.h"
#include "vm/code.h"
#include "vm/embedded.h"
#include "vm/image.h"
#include "vm/vm.h"

/* Address: the key of the struct state in the registry. */
static const char state_key;

static void on_log(void *owner, enum log_level level, struct slice message,
                   struct slice fields)
{
    struct object *o = owner;

    o->realm->config.host->log(o->realm->config.host_arg, o, level, message,
                               fields, (struct slice){0});
}

static int ref_top(lua_State *L)
{
    return luaL_ref(L, LUA_REGISTRYINDEX);
}

/* ---- the main script and its table ---- */

/* Fields of a stub hide methods of their names. */
static void check_method(lua_State *L, const char *class_name,
                         const char *method)
{
    if (class_push_method(L, -1, method))
        bind_raise(L, NULL,
                   "class '%s': the method name '%s' is reserved: it is a "
                   "field of every stub",
                   class_name, method);
}

static void check_entry(lua_State *L)
{
    const char *why;
    size_t n;
    const char *name = lua_tolstring(L, -2, &n);

    if (class_is(L, -1)) {
        if (!class_name_is_valid(name, n, &why))
            bind_raise(L, NULL, "class '%s': the name %s", name, why);
        check_method(L, name, "id");
        check_method(L, name, "name");
    } else if (strcmp(name, "fetch") == 0 && !lua_isfunction(L, -1) &&
               luaL_getmetafield(L, -1, "__call") == LUA_TNIL) {
        bind_raise(L, NULL, "fetch: a function expected, got %s",
                   bind_what(L, -1));
    }
}

static void check_main(lua_State *L, int main)
{
    if (!lua_istable(L, main))
        bind_raise(L, NULL,
                   "the main script must return a table of classes and "
                   "fetch, got %s",
                   bind_what(L, main));
    if (class_is(L, main))
        bind_raise(L, NULL,
                   "the main script must return a table of classes and "
                   "fetch, got a class: return { Name = class }");
    lua_pushnil(L);
    while (lua_next(L, main) != 0) {
        int top = lua_gettop(L);

        if (lua_type(L, -2) == LUA_TSTRING)
            check_entry(L);
        else if (class_is(L, -1))
            bind_raise(L, NULL, "a class must have a string as its key, got %s",
                       bind_what(L, -2));
        lua_settop(L, top - 1);
    }
}

/* Leave the main script's table at index 2. */
static void run_main(lua_State *L, struct state *s)
{
    struct error err;

    bind_push_moonkeep(L);
    lua_pushvalue(L, -1);
    s->mk = ref_top(L);
    vm_set_module(L, "moonkeep");
    if (code_push_main(vm_config(vm_of(L))->code, L, &err) != 0)
        bind_raise_error(L, NULL, &err);
    lua_call(L, 0, 1);
    check_main(L, 2);
}

/* ---- what every state of the script has ---- */

/* The state stays reachable through the registry. */
static struct state *new_state(lua_State *L)
{
    struct state *s = lua_newuserdatauv(L, sizeof(*s), 0);

    *s = (struct state){.cls = LUA_NOREF,
                        .self = LUA_NOREF,
                        .env = LUA_NOREF,
                        .storage = LUA_NOREF};
    lua_rawsetp(L, LUA_REGISTRYINDEX, &state_key);
    return s;
}

/* The state's, or NULL while the script is not loaded. */
static struct state *find_state(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &state_key);
    struct state *s = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return s;
}

static struct state *load(lua_State *L, enum state_kind kind)
{
    struct state *s = new_state(L);

    lua_settop(L, 1);
    run_main(L, s);
    s->main = ref_top(L);
    lua_newtable(L);
    s->methods = ref_top(L);
    if (kind == STATE_OBJECT) {
        bind_open_storage(L);
        s->storage = ref_top(L);
    }
    bind_push_ctx(L, kind);
    s->ctx = ref_top(L);
    return s;
}

/* ---- the instance ---- */

/* With the object's class on the stack, make the instance. */
static void make_self(lua_State *L, struct state *s)
{
    struct object *o = s->object;

    lua_createtable(L, 0, 4);
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->ctx);
    lua_setfield(L, -2, "ctx");
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->env);
    lua_setfield(L, -2, "env");
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->storage);
    lua_setfield(L, -2, "storage");
    bind_push_id(L, o->cls, &o->id, object_name(o));
    lua_setfield(L, -2, "id");
    lua_pushvalue(L, -2);
    lua_setmetatable(L, -2);
    s->self = ref_top(L);
}

/* Push the object's class. */
static void find_class(lua_State *L, struct state *s)
{
    const char *name = s->object->cls->name;

    lua_rawgeti(L, LUA_REGISTRYINDEX, s->main);
    lua_getfield(L, -1, name);
    if (!class_is(L, -1))
        bind_raise(L, "not_found", "the script has no class '%s'", name);
    lua_pushvalue(L, -1);
    s->cls = ref_top(L);
    s->has_init = class_push_method(L, -1, "init");
    lua_settop(L, s->has_init ? -2 : -1);
    s->has_alarm = class_push_method(L, -1, "alarm");
    lua_settop(L, s->has_alarm ? -2 : -1);
}

static int open_protected(lua_State *L)
{
    struct object *o = lua_touserdata(L, 1);
    struct state *s = find_state(L);

    if (s == NULL)
        s = load(L, o->cls == NULL ? STATE_ROUTER : STATE_OBJECT);
    s->object = o;
    s->fetches = 0;
    list_init(&s->fetching);
    o->script = s;
    lua_settop(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->main);
    bind_push_env(L, 2);
    s->env = ref_top(L);
    if (o->cls != NULL) {
        find_class(L, s);
        make_self(L, s);
    }
    return 0;
}

/* ---- the image ---- */

static int load_for_image(lua_State *L)
{
    load(L, STATE_OBJECT);
    bind_prepare_names(L);
    return 0;
}

/* For a script that no image can be made of. */
static int load_nothing(lua_State *L)
{
    (void)L;
    return 0;
}

/* What objects with this configuration are copied from, or NULL.  Made for the
 * first one; another thread's do without meanwhile. */
static const struct image *image_for(const struct vm_config *config)
{
    struct code *code = config->code;
    struct vm_config of_none = *config;
    struct image *image;

    if (!code_begin_image(code))
        return code_image(code);
    of_none.owner = NULL;
    of_none.log = NULL;
    if (image_new(&of_none, load_for_image, NULL, &image) == 0 ||
        image_new(&of_none, load_nothing, NULL, &image) == 0)
        code_set_image(code, image);
    return image;
}

/* ---- opening ---- */

/* What was not raised at a line of a file still concerns the main script. */
static void name_file(const struct code *code, struct error *err)
{
    char text[ERROR_TEXT_MAX];

    if (err == NULL || strstr(err->text, ".lua:") != NULL)
        return;
    snprintf(text, sizeof(text), "%s", err->text);
    error_set(err, err->code, "%s: %s", code_main_name(code), text);
}

int script_open(struct object *o, struct error *err)
{
    const struct realm_config *r = &o->realm->config;
    bool is_router = o->cls == NULL;
    struct vm_config config = {.clock = r->clock,
                               .random = r->random,
                               .code = o->code,
                               .memory_bytes = r->limits.memory_bytes,
                               .cpu_ns = r->limits.cpu_ns,
                               .slice_ns = r->limits.slice_ns,
                               .watch = r->watch,
                               .arena = r->arena,
                               .hash_seed = r->hash_seed,
                               /* One router serves all requests of a worker:
                                * memory is traded for time there. */
                               .spare_tasks = is_router ? 256 : 0,
                               .owner = o,
                               .log = on_log};

    const struct image *image = is_router ? NULL : image_for(&config);
    int rc = image == NULL ? vm_new(&config, &o->vm)
                           : image_copy(image, &config, &o->vm);

    if (rc != 0)
        return error_set(err, ERR_NOMEM,
                         "limits.memory_mb is too little for an empty state");
    rc = vm_protect(o->vm, open_protected, o, err);
    if (rc != 0)
        name_file(o->code, err);
    if (rc != 0) {
        vm_free(o->vm);
        o->vm = NULL;
        o->script = NULL;
    }
    return rc;
}

bool script_has_init(struct object *o)
{
    return state_of(o)->has_init;
}

bool script_has_alarm(struct object *o)
{
    return state_of(o)->has_alarm;
}

static void add_builtins(struct code *c, const char *prefix,
                         const struct embedded *files)
{
    char name[64];

    for (const struct embedded *e = files; e->name != NULL; e++) {
        snprintf(name, sizeof(name), "%s%s", prefix, e->name);
        code_add_builtin(c, name,
                         (struct slice){(const char *)e->bytes, e->size});
    }
}

int script_code_new(const char *main_path, struct code **out, struct error *err)
{
    int rc = code_new(main_path, out, err);

    if (rc == 0)
        add_builtins(*out, "moonkeep.", embedded_files);
    return rc;
}

struct code *script_code_console(void)
{
    const struct embedded *e = embedded_console_files;

    while (strcmp(e->name, "main") != 0)
        e++;
    struct code *c = code_new_builtin(
        "console", (struct slice){(const char *)e->bytes, e->size});

    add_builtins(c, "moonkeep.", embedded_files);
    add_builtins(c, "console.", embedded_console_files);
    return c;
}
