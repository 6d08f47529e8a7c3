/*
 * assets_look.h - looking into the folder of assets.  All of it blocks on the
 * disk: for threads of libuv's pool.
 */
#ifndef HOST_ASSETS_LOOK_H
#define HOST_ASSETS_LOOK_H

#include <stdbool.h>

#include "base/buf.h"
#include "host/assets_answer.h"

enum {
    ASSETS_SMALL_MAX = 64 * 1024, /* bytes of a file that is kept in memory */
    ASSETS_NAMES_MAX = 4096       /* of names that are kept of the folder */
};

/* The folder at one time.  Not changed once made. */
struct assets_folder {
    int fd;
    char *real;         /* its path without symbolic links; owned */
    struct buf text;    /* of the names */
    const char **names; /* in it, sorted; owned */
    size_t count;
    bool is_complete; /* these are all */
    unsigned refs;    /* for the one who shares it */
};

enum assets_kind {
    ASSETS_MISSING,
    ASSETS_INDEXED, /* a folder with an index.html */
    ASSETS_SMALL,   /* a file, its bytes are in `bytes` */
    ASSETS_LARGE,   /* a file, open as `fd` */
    ASSETS_SAME,    /* the file that was known */
    ASSETS_FAILED   /* no file can be opened, or read */
};

struct assets_found {
    enum assets_kind kind;
    int error; /* errno that is worth a word, else 0 */
    struct assets_meta meta;
    struct buf bytes; /* owned */
    int fd;           /* owned; -1 without one */
};

/* Open the folder at `path` and read its names; NULL with errno: it cannot be
 * read. */
struct assets_folder *assets_look_folder(const char *path);
void assets_look_free(struct assets_folder *f); /* NULL is allowed */
/* Whether the folder may have something of that name. */
bool assets_look_may_have(const struct assets_folder *f, struct slice name);
/* Look for `path` (of assets_path_find).  Symbolic links are followed as long
 * as they do not leave the folder.  `known`, if not NULL, is what was found
 * before. */
void assets_look_file(const struct assets_folder *f, const char *path,
                      const struct assets_meta *known,
                      struct assets_found *out);

#endif
