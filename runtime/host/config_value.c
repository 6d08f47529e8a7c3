#include "host/config_value.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "host/address.h"

int config_value_reject(const struct config_reader *r, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return error_set(r->err, ERR_INVALID, "%s: %s: %s", r->from, r->path, text);
}

int config_value_reject_type(const struct config_reader *r,
                             const char *expected, const struct datavalue *v)
{
    return config_value_reject(r, "%s expected, got %s", expected,
                               datavalue_describe(v));
}

/* Integers may be written as floats: 30e3. */
static bool to_integer(const struct datavalue *v, int64_t *out)
{
    if (v->type == DATA_INTEGER) {
        *out = v->integer;
        return true;
    }
    if (v->type != DATA_FLOAT || !(v->number > -9e15 && v->number < 9e15))
        return false;
    *out = (int64_t)v->number;
    return (double)*out == v->number;
}

int config_value_integer(const struct config_reader *r,
                         const struct datavalue *v, int64_t min, int64_t max,
                         int64_t *out)
{
    char expected[64];
    int64_t n = 0;

    snprintf(expected, sizeof(expected), "an integer of at least %" PRId64,
             min);
    if (!to_integer(v, &n))
        return config_value_reject_type(r, expected, v);
    if (n < min)
        return config_value_reject(r, "%s expected, got %" PRId64, expected, n);
    if (n > max)
        return config_value_reject(
            r, "an integer of at most %" PRId64 " expected, got %" PRId64, max,
            n);
    *out = n;
    return 0;
}

bool config_value_is_text(const struct datavalue *v)
{
    return v->type == DATA_STRING && v->length != 0 &&
           strlen(v->string) == v->length;
}

int config_value_text(const struct config_reader *r, const struct datavalue *v,
                      char **out)
{
    if (v->type != DATA_STRING)
        return config_value_reject_type(r, "a string", v);
    if (!config_value_is_text(v))
        return config_value_reject(
            r, "a string with something in it, and without NUL, "
               "expected");
    free(*out);
    *out = mem_dup(v->string, v->length);
    return 0;
}

int config_value_path(const struct config_reader *r, const struct datavalue *v,
                      char **out)
{
    const char *folder = r->c->folder;
    struct buf path = {0};
    int rc = config_value_text(r, v, out);

    if (rc != 0 || (*out)[0] == '/' || strcmp(folder, ".") == 0)
        return rc;
    buf_printf(&path, "%s/%s", folder, *out);
    buf_add_byte(&path, '\0');
    free(*out);
    *out = path.p;
    return 0;
}

int config_value_address(struct config_reader *r, const struct datavalue *v,
                         char **out)
{
    struct error why;

    if (v->type != DATA_STRING)
        return config_value_reject_type(
            r, "an address such as \"127.0.0.1:8787\"", v);
    if (address_normalize(v->string, out, &why) != 0)
        return config_value_reject(r, "%s", why.text);
    return 0;
}

void config_value_enter(struct config_reader *r, const char *section,
                        const struct datavalue *key, char *path)
{
    if (key->type == DATA_STRING)
        snprintf(path, CONFIG_PATH_MAX, "%s.%s", section, key->string);
    else if (key->type == DATA_INTEGER)
        snprintf(path, CONFIG_PATH_MAX, "%s[%" PRId64 "]", section,
                 key->integer);
    else
        snprintf(path, CONFIG_PATH_MAX, "%s[%s]", section,
                 datavalue_describe(key));
    r->path = path;
}

int config_value_reject_unknown(const struct config_reader *r, const char *key,
                                const char *const *names, size_t count)
{
    const char *meant = key == NULL ? NULL : nearest_word(key, names, count);

    if (meant == NULL)
        return config_value_reject(r, "unknown key");
    return config_value_reject(r, "unknown key; did you mean '%s'?", meant);
}

int config_value_pairs(struct config_reader *r, const struct datavalue *v,
                       struct config_pair **pairs, size_t *count)
{
    const char *section = r->path;
    char path[CONFIG_PATH_MAX];
    int rc = 0;

    if (v->type != DATA_TABLE)
        return config_value_reject_type(r, "a table", v);
    *pairs = mem_zalloc((v->count + 1) * sizeof(**pairs));
    for (size_t i = 0; i < v->count && rc == 0; i++) {
        const struct datamember *m = &v->members[i];
        struct config_pair *pair = &(*pairs)[(*count)++];

        config_value_enter(r, section, &m->key, path);
        if (!config_value_is_text(&m->key))
            return config_value_reject(
                r, "the name of a class expected as key, got %s",
                datavalue_describe(&m->key));
        pair->from = mem_dup(m->key.string, m->key.length);
        rc = config_value_text(r, &m->value, &pair->to);
    }
    return rc;
}
