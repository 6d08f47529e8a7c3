/*
 * config.h - moonkeep.lua as a struct (API.md, section 12).
 */
#ifndef HOST_CONFIG_H
#define HOST_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "net/fetch_policy.h"

/* Every limit of API.md section 12, in the unit of its name; ping_ms 0: no
 * pings, alarm_rate and call_ms 0: no bound. */
#define LIMIT_MAP(X)                                                           \
    X(idle_ms, 10000)                                                          \
    X(cpu_ms, 30000)                                                           \
    X(slice_ms, 5)                                                             \
    X(memory_mb, 128)                                                          \
    X(mailbox, 1024)                                                           \
    X(storage_mb, 10240)                                                       \
    X(turn_mb, 64)                                                             \
    X(body_mb, 100)                                                            \
    X(socket_buffer_mb, 16)                                                    \
    X(ping_ms, 30000)                                                          \
    X(alarm_rate, 5000)                                                        \
    X(call_ms, 30000)                                                          \
    X(fetch_connections, 6)                                                    \
    X(connections, 100000)                                                     \
    X(drain_ms, 10000)                                                         \
    X(header_ms, 10000)                                                        \
    X(keepalive_ms, 75000)

/* Days of history, unless set; under `dev` none. */
enum { HISTORY_UNSET = -1, HISTORY_DAYS = 30 };

struct limits {
#define X(name, value) int64_t name;
    LIMIT_MAP(X)
#undef X
};

/* One pair of `keys` or `renamed`; both owned. */
struct config_pair {
    char *from, *to;
};

struct config {
    char *file;       /* the configuration file, NULL without one; owned */
    char *folder;     /* of the configuration, or of the script without
                         one; "." for the current one; owned */
    char *main;       /* the main script's path; owned */
    char *app;        /* name of the app: its folder's name; owned.  The
                         default unique key of a class is <app>-<Class> */
    char *listen;     /* "127.0.0.1:8787", "[::1]:0"; owned */
    char *data;       /* the data folder; owned */
    int workers;      /* 0: one per core */
    struct buf vars;  /* table of `vars` as value.h encodes it; n == 0:
                         none */
    char **var_names; /* of its top level, sorted; owned */
    size_t var_count;
    char *assets;         /* folder; owned; NULL: none */
    char *admin;          /* address of the console; owned; NULL: none */
    char *admin_token;    /* what it asks for; owned; NULL: nothing */
    int64_t history_days; /* HISTORY_UNSET when not set: the caller chooses */
    bool relaxed;         /* durability = "relaxed" */
    struct limits limits;
    struct fetch_policy fetch; /* what scripts may connect to */
    struct config_pair *keys;
    size_t key_count;
    struct config_pair *renamed;
    size_t renamed_count;
    char **deleted;
    size_t deleted_count;
    /* Whether all objects of a class in `deleted` may go; asked at the start,
     * if it has any.  Set by the caller; NULL: they may not. */
    bool (*may_delete)(const char *class_name);
};

/*
 * Find and read the configuration for `target`: a script, a folder (then its
 * moonkeep.lua, which may name `main`; without one main.lua or init.lua), a
 * moonkeep.lua (then its folder), or NULL for the current folder, with `file`
 * for its folder; `file` names the configuration file itself (--config) or is
 * NULL.  Relative paths in it are relative to its folder.  What is not set
 * gets its default; `data` is .moonkeep in `folder`.  The paths are relative
 * to the current folder of the process.
 *
 * Returns 0, ERR_NOT_FOUND (no such target, configuration or script), ERR_LUA
 * (the file does not run), or ERR_INVALID: an unknown key, a wrong type or
 * value; the text then names file and key (`moonkeep.lua: limits.idle_ms: an
 * integer of at least 1 expected, got a string`).  `*out` is always valid for
 * config_fini, and has the defaults and what was found before the error.
 * Blocks on the disk.
 */
int config_load(const char *target, const char *file, struct config *out,
                struct error *err);
/*
 * The same with `settings` (a table as value.h encodes it; empty: none) over
 * what the file says: each key in place of the file's, but a table merged into
 * the file's, member by member.  Errors in them name `start` instead of the
 * file.
 */
int config_load_over(const char *target, const char *file,
                     struct slice settings, struct config *out,
                     struct error *err);
void config_fini(struct config *c);

/*
 * Put `address` in place of c->listen: `A:P` with A a numeric IPv4 address,
 * an IPv6 one in brackets, or localhost, and P 0..65535.  ERR_INVALID with a
 * text that does not name where the address came from.
 */
int config_set_listen(struct config *c, const char *address, struct error *err);

/* Whether the script may have a class called `name`: ERR_INVALID with file
 * and key when it is a name in `vars` as well. */
int config_check_class(const struct config *c, const char *name,
                       struct error *err);

#endif
