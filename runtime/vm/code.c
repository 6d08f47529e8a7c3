#include "vm/code.h"

#include <errno.h>
#include <lauxlib.h>
#include <limits.h>
#include <lua.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/must.h"
#include "vm/image.h"
#include "vm/source.h"

enum { NAME_MAX_BYTES = 200 };

/* One compiled chunk.  Never changed once it is in the list. */
struct unit {
    struct list link;
    char *name;      /* of the module; "" is the main script */
    char *path;      /* of the file; NULL for a built-in one */
    struct buf dump; /* what lua_dump gave; empty: `source` is not compiled */
    struct slice source; /* of a built-in one */
};

struct code {
    atomic_int refs;
    pthread_mutex_t lock; /* guards units and what they hold */
    struct list units;
    atomic_flag has_begun; /* somebody makes, or made, the image */
    _Atomic(struct image *) image;
    char *root; /* folder of the main script, without links; NULL: none */
    char *main; /* name of its file */
};

const char *code_main_name(const struct code *c)
{
    return c->main;
}

/* ---- life ---- */

static void split(struct code *c, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash == NULL ? mem_dup(".", 1)
                                 : mem_dup(path, (size_t)(slash - path) + 1);
    char root[PATH_MAX];

    c->main = mem_dup(slash == NULL ? path : slash + 1,
                      strlen(slash == NULL ? path : slash + 1));
    const char *real = realpath(folder, root);
    c->root = mem_dup(real == NULL ? folder : root,
                      strlen(real == NULL ? folder : root));
    free(folder);
}

static struct code *new_code(void)
{
    struct code *c = mem_zalloc(sizeof(*c));

    atomic_init(&c->refs, 1);
    atomic_flag_clear(&c->has_begun);
    atomic_init(&c->image, NULL);
    pthread_mutex_init(&c->lock, NULL);
    list_init(&c->units);
    return c;
}

int code_new(const char *main_path, struct code **out, struct error *err)
{
    struct stat st;

    *out = NULL;
    if (stat(main_path, &st) != 0)
        return error_set(
            err, errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_IO,
            "cannot open the script '%s': %s", main_path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return error_set(err, ERR_INVALID, "the script '%s' is not a file",
                         main_path);
    *out = new_code();
    split(*out, main_path);
    return 0;
}

struct code *code_new_builtin(const char *name, struct slice source)
{
    struct code *c = new_code();

    c->main = mem_dup(name, strlen(name));
    code_add_builtin(c, "", source);
    return c;
}

struct code *code_hold(struct code *c)
{
    if (c == NULL)
        return NULL;
    atomic_fetch_add(&c->refs, 1);
    return c;
}

static void free_unit(struct unit *u)
{
    free(u->name);
    free(u->path);
    buf_fini(&u->dump);
    free(u);
}

void code_drop(struct code *c)
{
    if (c == NULL || atomic_fetch_sub(&c->refs, 1) != 1)
        return;
    for (struct list *l; (l = list_shift(&c->units)) != NULL;)
        free_unit(container_of(l, struct unit, link));
    image_free(atomic_load(&c->image));
    pthread_mutex_destroy(&c->lock);
    free(c->root);
    free(c->main);
    free(c);
}

/* ---- image ---- */

const struct image *code_image(struct code *c)
{
    return atomic_load_explicit(&c->image, memory_order_acquire);
}

bool code_begin_image(struct code *c)
{
    return !atomic_flag_test_and_set(&c->has_begun);
}

void code_set_image(struct code *c, struct image *image)
{
    atomic_store_explicit(&c->image, image, memory_order_release);
}

/* ---- units ---- */

static struct unit *find(struct code *c, struct slice name)
{
    for (struct list *l = c->units.next; l != &c->units; l = l->next) {
        struct unit *u = container_of(l, struct unit, link);

        if (slice_eq(slice_of(u->name), name))
            return u;
    }
    return NULL;
}

static struct unit *add(struct code *c, struct slice name)
{
    struct unit *u = mem_zalloc(sizeof(*u));

    u->name = mem_dup(name.p, name.n);
    list_push(&c->units, &u->link);
    return u;
}

void code_add_builtin(struct code *c, const char *name, struct slice source)
{
    add(c, slice_of(name))->source = source;
}

static int compile_builtin(const struct code *c, struct unit *u,
                           struct error *err)
{
    char chunk[NAME_MAX_BYTES + 2];

    snprintf(chunk, sizeof(chunk), "=%s",
             u->name[0] == '\0' ? c->main : u->name);
    return source_compile(u->source, chunk, &u->dump, err);
}

/* The file `relative` (to the root) becomes the unit `name`. */
static int compile_file(struct code *c, struct slice name, const char *relative,
                        struct unit **out, struct error *err)
{
    /* The user named the main script; what it requires stays below it. */
    enum source_links links = name.n == 0 ? LINKS_ANYWHERE : LINKS_INSIDE;
    struct buf dump = {0};
    char *path = NULL;

    int rc = source_read(c->root, relative, links, &path, &dump, err);
    if (rc != 0)
        return rc;
    *out = add(c, name);
    (*out)->path = path;
    (*out)->dump = dump;
    return 0;
}

/* a.b -> a/b.lua, then a/b/init.lua */
static int compile_module(struct code *c, struct slice name, struct unit **out,
                          struct error *err)
{
    char base[NAME_MAX_BYTES + 1];
    char path[NAME_MAX_BYTES + 16];

    if (c->root == NULL)
        return error_set(err, ERR_NOT_FOUND, "module '%.*s' not found",
                         (int)name.n, name.p);
    memcpy(base, name.p, name.n);
    base[name.n] = '\0';
    for (char *p = base; *p != '\0'; p++) {
        if (*p == '.')
            *p = '/';
    }
    snprintf(path, sizeof(path), "%s.lua", base);
    int rc = compile_file(c, name, path, out, err);
    if (rc != ERR_NOT_FOUND)
        return rc;
    snprintf(path, sizeof(path), "%s/init.lua", base);
    rc = compile_file(c, name, path, out, err);
    if (rc != ERR_NOT_FOUND)
        return rc;
    return error_set(err, rc,
                     "module '%.*s' not found: no file '%s.lua', no file '%s'",
                     (int)name.n, name.p, base, path);
}

/* ---- names ---- */

static const char *find_fault(struct slice name)
{
    if (name.n == 0)
        return "it is empty";
    if (name.n > NAME_MAX_BYTES)
        return "it is longer than 200 bytes";
    if (memchr(name.p, '\0', name.n) != NULL)
        return "it contains a zero byte";
    if (name.p[0] == '/')
        return "it is absolute; modules are below the main script's folder";
    if (memchr(name.p, '/', name.n) != NULL ||
        memchr(name.p, '\\', name.n) != NULL)
        return "folders are separated by dots";
    if (name.p[0] == '.' || name.p[name.n - 1] == '.' ||
        memmem(name.p, name.n, "..", 2) != NULL)
        return "a part of it is empty";
    return NULL;
}

static int check_name(struct slice name, struct error *err)
{
    const char *fault = find_fault(name);

    if (fault == NULL)
        return 0;
    int shown = name.n > 60 ? 60 : (int)name.n;
    return error_set(err, ERR_INVALID, "'%.*s' is not the name of a module: %s",
                     shown, name.p == NULL ? "" : name.p, fault);
}

/* ---- pushing ---- */

static int get_unit(struct code *c, struct slice name, struct unit **out,
                    struct error *err)
{
    struct unit *u = find(c, name);
    int rc = 0;

    if (u == NULL)
        rc = name.n == 0 ? compile_file(c, name, c->main, &u, err)
                         : compile_module(c, name, &u, err);
    else if (u->dump.n == 0)
        rc = compile_builtin(c, u, err);
    *out = u;
    return rc;
}

static int push(struct code *c, lua_State *L, struct slice name,
                struct error *err)
{
    struct unit *u;

    pthread_mutex_lock(&c->lock);
    int rc = get_unit(c, name, &u, err);
    pthread_mutex_unlock(&c->lock);
    if (rc != 0)
        return rc;
    /* Compiled by us, so that only memory can fail; "" names the chunk in no
     * message, for its name is in the dump. */
    if (luaL_loadbufferx(L, u->dump.p, u->dump.n, "", "b") != LUA_OK)
        return lua_error(L);
    return 0;
}

int code_push_main(struct code *c, lua_State *L, struct error *err)
{
    return push(c, L, (struct slice){"", 0}, err);
}

int code_push_module(struct code *c, lua_State *L, struct slice name,
                     struct error *err)
{
    int rc = check_name(name, err);

    return rc != 0 ? rc : push(c, L, name, err);
}

void code_files(struct code *c, void (*each)(void *arg, const char *path),
                void *arg)
{
    pthread_mutex_lock(&c->lock);
    for (struct list *l = c->units.next; l != &c->units; l = l->next) {
        struct unit *u = container_of(l, struct unit, link);

        if (u->path != NULL)
            each(arg, u->path);
    }
    pthread_mutex_unlock(&c->lock);
}
