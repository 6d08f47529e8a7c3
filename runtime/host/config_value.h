/*
 * config_value.h - one value of moonkeep.lua: check it, and say what is wrong
 * with file and key.
 *
 * All return 0 or ERR_INVALID with the text in r->err; `*out` is then as it
 * was.
 */
#ifndef HOST_CONFIG_VALUE_H
#define HOST_CONFIG_VALUE_H

#include "base/err.h"
#include "host/config.h"
#include "vm/datatable.h"

enum { CONFIG_PATH_MAX = 160 };

/* What reading one key needs; all borrowed. */
struct config_reader {
    struct config *c;
    const char *from; /* the file, in messages */
    struct datatable *table;
    struct error *err;
    const char *path; /* of the key that is read: "limits.idle_ms" */
};

/* `moonkeep.lua: limits.idle_ms: ` and the formatted text. */
int config_value_reject(const struct config_reader *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* `<expected> expected, got a table`. */
int config_value_reject_type(const struct config_reader *r,
                             const char *expected, const struct datavalue *v);
/* `unknown key`, with the nearest of `names`; `key` NULL: it is no string. */
int config_value_reject_unknown(const struct config_reader *r, const char *key,
                                const char *const *names, size_t count);

/* Point r->path at the member `key` of the key `section`, which is written to
 * `path[0..CONFIG_PATH_MAX)` and stays there. */
void config_value_enter(struct config_reader *r, const char *section,
                        const struct datavalue *key, char *path);

/* A string that is not empty and has no NUL in it. */
bool config_value_is_text(const struct datavalue *v);
/* An integer, or a float without fraction, from `min` to `max`. */
int config_value_integer(const struct config_reader *r,
                         const struct datavalue *v, int64_t min, int64_t max,
                         int64_t *out);
/* A text, owned, in place of what is there. */
int config_value_text(const struct config_reader *r, const struct datavalue *v,
                      char **out);
/* A path, relative to the folder of the configuration. */
int config_value_path(const struct config_reader *r, const struct datavalue *v,
                      char **out);
/* An address, as config_set_listen takes it. */
int config_value_address(struct config_reader *r, const struct datavalue *v,
                         char **out);
/* A table of class = text as a new array; also after an error it holds what
 * came before. */
int config_value_pairs(struct config_reader *r, const struct datavalue *v,
                       struct config_pair **pairs, size_t *count);

#endif
