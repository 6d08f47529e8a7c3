#include "vm/source.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <limits.h>
#include <lua.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

/* ---- compiling ---- */

struct job {
    struct slice text;
    const char *chunk;
    struct buf *out;
};

static int write_dump(lua_State *L, const void *p, size_t n, void *out)
{
    (void)L;
    buf_add(out, p, n);
    return 0;
}

static int compile(lua_State *L)
{
    struct job *job = lua_touserdata(L, 1);

    if (luaL_loadbufferx(L, job->text.p, job->text.n, job->chunk, "t") !=
        LUA_OK)
        return lua_error(L);
    lua_dump(L, write_dump, job->out, 0);
    return 0;
}

/* As the stock loader: no byte order mark, no first line that begins with #
 * (its end stays, for the line numbers). */
static struct slice skip_head(struct slice text)
{
    const char *end;

    if (text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0)
        text = (struct slice){text.p + 3, text.n - 3};
    if (text.n == 0 || text.p[0] != '#')
        return text;
    end = memchr(text.p, '\n', text.n);
    if (end == NULL)
        return (struct slice){"", 0};
    return (struct slice){end, text.n - (size_t)(end - text.p)};
}

static bool is_precompiled(struct slice text)
{
    size_t skipped = text.n > 0 && text.p[0] == '\n' ? 1 : 0;

    return text.n > skipped && text.p[skipped] == LUA_SIGNATURE[0];
}

int source_compile(struct slice text, const char *chunk, struct buf *out,
                   struct error *err)
{
    struct job job = {skip_head(text), chunk, out};
    size_t before = out->n;

    if (is_precompiled(job.text))
        return error_set(err, ERR_LUA,
                         "%s: a precompiled chunk is refused: only source "
                         "text is accepted",
                         chunk + 1);
    lua_State *L = luaL_newstate();
    if (L == NULL)
        return error_set(err, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
    lua_pushcfunction(L, compile);
    lua_pushlightuserdata(L, &job);
    int rc = lua_pcall(L, 1, 0, 0);
    if (rc != LUA_OK) {
        out->n = before;
        error_set(err, rc == LUA_ERRMEM ? ERR_NOMEM : ERR_LUA, "%s",
                  lua_tostring(L, -1));
    }
    lua_close(L);
    return rc == LUA_OK ? 0 : rc == LUA_ERRMEM ? ERR_NOMEM : ERR_LUA;
}

/* ---- reading ---- */

static bool is_below(const char *path, const char *root)
{
    size_t n = strlen(root);

    return strcmp(root, "/") == 0 ||
           (strncmp(path, root, n) == 0 && path[n] == '/');
}

/* The real path of `relative`. */
static int locate(const char *root, const char *relative,
                  enum source_links links, char *path, struct error *err)
{
    char joined[PATH_MAX];
    int size = snprintf(joined, sizeof(joined), "%s/%s", root, relative);

    if (size < 0 || (size_t)size >= sizeof(joined))
        return error_set(err, ERR_INVALID, "the path of '%s' is too long",
                         relative);
    if (realpath(joined, path) == NULL)
        return error_set(
            err, errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_IO,
            "cannot open '%s': %s", relative, strerror(errno));
    if (links == LINKS_ANYWHERE || is_below(path, root))
        return 0;
    return error_set(err, ERR_INVALID,
                     "'%s' is a link out of the main script's folder",
                     relative);
}

static int read_all(int fd, const char *relative, struct buf *out,
                    struct error *err)
{
    struct stat st;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return error_set(err, ERR_INVALID, "'%s' is not a file", relative);
    for (;;) {
        char *p = buf_room(out, 65536);
        ssize_t n = read(fd, p, 65536);

        if (n == 0)
            return 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set(err, ERR_IO, "cannot read '%s': %s", relative,
                             strerror(errno));
        out->n += (size_t)n;
        if (out->n > SOURCE_MAX)
            return error_set(err, ERR_TOO_BIG, "'%s' is larger than 16 MiB",
                             relative);
    }
}

static int read_file(const char *path, const char *relative, struct buf *out,
                     struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return error_set(err, ERR_IO, "cannot open '%s': %s", relative,
                         strerror(errno));
    int rc = read_all(fd, relative, out, err);
    close(fd);
    return rc;
}

int source_read(const char *root, const char *relative, enum source_links links,
                char **path, struct buf *out, struct error *err)
{
    char real[PATH_MAX], chunk[PATH_MAX];
    struct buf text = {0};
    int rc = locate(root, relative, links, real, err);

    if (rc == 0)
        rc = read_file(real, relative, &text, err);
    snprintf(chunk, sizeof(chunk), "@%s", relative);
    if (rc == 0)
        rc = source_compile(buf_slice(&text), chunk, out, err);
    buf_fini(&text);
    if (rc == 0)
        *path = mem_dup(real, strlen(real));
    return rc;
}
