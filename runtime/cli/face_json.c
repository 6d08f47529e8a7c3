/*
 * face_json.c - JSON of the test, by mk.json in a state of its own: what it
 * takes and gives is then the same, members in the same order each time.
 */
#include "bindings/bind.h"
#include "bindings/json.h"
#include "cli/face_inside.h"
#include "vm/vm.h"

enum { BYTES_MAX = 64 << 20, MEMORY_MAX = 1 << 30 };

/* What is done in that state. */
struct work {
    struct slice in;
    struct buf *out;
    struct error err;
    bool is_bad;
};

static int decode_protected(lua_State *L)
{
    struct work *w = lua_touserdata(L, 1);

    json_push(L, w->in);
    w->is_bad = value_encode(L, -1, NULL, BYTES_MAX, w->out, &w->err) != 0;
    return 0;
}

static int encode_protected(lua_State *L)
{
    struct work *w = lua_touserdata(L, 1);
    size_t used;

    w->is_bad = value_decode(L, w->in, NULL, &used, &w->err) != 0;
    if (w->is_bad)
        return 0;
    json_push_text(L, -1);
    buf_add_slice(w->out, bind_to_slice(L, -1));
    return 0;
}

static void run(lua_State *L, lua_CFunction fn, struct work *w)
{
    struct vm_config config = {.clock = clock_system(),
                               .random = random_system(),
                               .memory_bytes = MEMORY_MAX,
                               .cpu_ns = UINT64_MAX / 2,
                               .hash_seed = 1};
    struct vm *vm;
    int rc = vm_new(&config, &vm);

    if (rc == 0)
        rc = vm_protect(vm, fn, w, &w->err);
    vm_free(vm);
    if (rc != 0 || w->is_bad)
        bind_raise(L, NULL, "%.*s", (int)strcspn(w->err.text, "\n"),
                   w->err.text);
}

void face_push_json(lua_State *L, struct slice text)
{
    struct work w = {.in = text, .out = face_scratch(L)};
    struct error err;
    size_t used;

    run(L, decode_protected, &w);
    if (value_decode(L, buf_slice(w.out), NULL, &used, &err) != 0)
        bind_raise_error(L, NULL, &err);
}

/* core.json(text) -> value.  Raises what is wrong with the text. */
static int json(lua_State *L)
{
    face_push_json(L, bind_check_slice(L, 1));
    return 1;
}

/* core.jsonText(value) -> text.  Raises what JSON has not. */
static int json_text(lua_State *L)
{
    struct buf *in = face_scratch(L);
    struct error err;

    if (face_encode(L, 1, NULL, BYTES_MAX, in, &err) != 0)
        return bind_raise_error(L, NULL, &err);
    lua_pushlstring(L, in->p, in->n);
    struct work w = {.in = bind_to_slice(L, -1), .out = face_scratch(L)};

    run(L, encode_protected, &w);
    face_push_scratch(L, w.out);
    return 1;
}

const luaL_Reg face_json[] = {
    {"json", json}, {"jsonText", json_text}, {NULL, NULL}};
