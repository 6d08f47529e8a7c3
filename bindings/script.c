#include "bindings/script.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "bindings/bind.h"
#include "bindings/class.h"
#include "bindings/events.h"
#include "bindings/script_state.h"
#include "bindings/state.h"
#include "vm/code.h"
#include "vm/vm.h"

enum { CHECK_MEMORY = 128 << 20, CLASS_BASES_MAX = 64 };

static const char *const handler_names[] = {
    "init",           "fetch",          "alarm", "webSocketMessage",
    "webSocketClose", "webSocketError", NULL,
};

/* Loading needs a realm to be in, but no keys, workers or log. */
static void no_key(void *host, const char *name, uint8_t key[32])
{
    (void)host;
    (void)name;
    memset(key, 0, 32);
}

static void no_log(void *host, struct object *o, enum log_level level,
                   struct slice message, struct slice fields,
                   struct slice trace)
{
    (void)host;
    (void)o;
    (void)level;
    (void)message;
    (void)fields;
    (void)trace;
}

static void add(char ***list, size_t *count, const char *name)
{
    *list = mem_realloc(*list, (*count + 1) * sizeof(char *));
    (*list)[(*count)++] = mem_dup(name, strlen(name));
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool has(char *const *list, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i], name) == 0)
            return true;
    }
    return false;
}

static void list_handlers(lua_State *L, struct script_class *c)
{
    for (int i = 0; handler_names[i] != NULL; i++) {
        if (class_push_method(L, -1, handler_names[i])) {
            lua_pop(L, 1);
            add(&c->handlers, &c->handler_count, handler_names[i]);
        }
    }
}

/* Add those methods of the class at `cls` that are in the class on top, itself
 * or a base, unless something of the wrong type hides them. */
static void list_own_methods(lua_State *L, int cls, struct script_class *c)
{
    lua_pushnil(L);
    while (lua_next(L, -2) != 0) {
        const char *name =
            lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "_";

        if (lua_isfunction(L, -1) && class_is_public(name) &&
            !has(c->methods, c->method_count, name) &&
            class_push_method(L, cls, name)) {
            add(&c->methods, &c->method_count, name);
            lua_pop(L, 1);
        }
        lua_pop(L, 1);
    }
}

static void list_methods(lua_State *L, struct script_class *c)
{
    int cls = lua_gettop(L);

    lua_pushvalue(L, cls);
    for (int i = 0; lua_istable(L, -1) && i < CLASS_BASES_MAX; i++) {
        list_own_methods(L, cls, c);
        if (luaL_getmetafield(L, -1, "__index") == LUA_TNIL)
            lua_pushnil(L);
        lua_remove(L, -2);
    }
    lua_pop(L, 1);
    if (c->method_count > 1)
        qsort(c->methods, c->method_count, sizeof(char *), by_text);
}

static void list_class(lua_State *L, struct script_listing *listing)
{
    size_t n = listing->class_count + 1;

    listing->classes =
        mem_realloc(listing->classes, n * sizeof(*listing->classes));
    struct script_class *c = &listing->classes[listing->class_count++];
    const char *name = lua_tostring(L, -2);

    *c = (struct script_class){.name = mem_dup(name, strlen(name))};
    list_handlers(L, c);
    list_methods(L, c);
}

static int by_name(const void *a, const void *b)
{
    const struct script_class *x = a;
    const struct script_class *y = b;

    return strcmp(x->name, y->name);
}

static int list_protected(lua_State *L)
{
    struct script_listing *listing = lua_touserdata(L, 1);

    lua_rawgeti(L, LUA_REGISTRYINDEX, state_of(bind_object(L))->main);
    lua_pushnil(L);
    while (lua_next(L, 2) != 0) {
        if (lua_type(L, -2) == LUA_TSTRING && class_is(L, -1))
            list_class(L, listing);
        lua_pop(L, 1);
    }
    if (listing->class_count > 1)
        qsort(listing->classes, listing->class_count, sizeof(*listing->classes),
              by_name);
    listing->has_fetch = lua_getfield(L, 2, "fetch") != LUA_TNIL;
    return 0;
}

int script_listing_of(struct code *code, uint64_t cpu_ns,
                      struct script_listing *out, struct error *err)
{
    const struct host_ops host = {.log = no_log, .class_key = no_key};
    struct realm realm = {
        .config = {.clock = clock_system(),
                   .random = random_system(),
                   .script = &bind_script_ops,
                   .host = &host,
                   .limits = {.memory_bytes = CHECK_MEMORY, .cpu_ns = cpu_ns}}};
    *out = (struct script_listing){0};
    struct object *router = object_new(&realm, NULL, NULL, (struct slice){0});

    list_init(&realm.run_queue);
    router->code = code;
    int rc = script_open(router, err);

    if (rc == 0)
        rc = vm_protect(router->vm, list_protected, out, err);
    vm_free(router->vm);
    free(router);
    realm_drop_classes(&realm);
    return rc;
}

int script_listing_load(const char *main_path, uint64_t cpu_ns,
                        struct script_listing *out, struct error *err)
{
    struct code *code;

    *out = (struct script_listing){0};
    int rc = script_code_new(main_path, &code, err);

    if (rc != 0)
        return rc;
    rc = script_listing_of(code, cpu_ns, out, err);
    code_drop(code);
    return rc;
}

static void free_texts(char **list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(list[i]);
    free(list);
}

void script_listing_fini(struct script_listing *listing)
{
    for (size_t i = 0; i < listing->class_count; i++) {
        struct script_class *c = &listing->classes[i];

        free(c->name);
        free_texts(c->handlers, c->handler_count);
        free_texts(c->methods, c->method_count);
    }
    free(listing->classes);
    *listing = (struct script_listing){0};
}
