#include "host/config_keys.h"

#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "host/address.h"
#include "host/config_value.h"

enum { VARS_MAX = 1024 * 1024, WORKERS_MAX = 1024, ADMIN_TOKEN_MIN = 16 };

#define COUNT_MAX INT64_C(1000000000)
#define MB_MAX    INT64_C(1048576)
#define MS_MAX    INT64_C(31536000000)
#define DAYS_MAX  INT64_C(36500)

static int read_main(struct config_reader *r, const struct datavalue *v)
{
    struct stat st;
    int rc = config_value_path(r, v, &r->c->main);

    if (rc == 0 && (stat(r->c->main, &st) != 0 || !S_ISREG(st.st_mode)))
        return config_value_reject(r, "no such file: %s", r->c->main);
    return rc;
}

static int read_assets(struct config_reader *r, const struct datavalue *v)
{
    struct stat st;
    int rc = config_value_path(r, v, &r->c->assets);

    if (rc == 0 && (stat(r->c->assets, &st) != 0 || !S_ISDIR(st.st_mode)))
        return config_value_reject(r, "no such folder: %s", r->c->assets);
    return rc;
}

static int read_data(struct config_reader *r, const struct datavalue *v)
{
    return config_value_path(r, v, &r->c->data);
}

static int read_listen(struct config_reader *r, const struct datavalue *v)
{
    return config_value_address(r, v, &r->c->listen);
}

static int read_token(struct config_reader *r, const struct datavalue *v)
{
    if (v->type == DATA_STRING && v->length < ADMIN_TOKEN_MIN)
        return config_value_reject(r,
                                   "a secret of at least %d bytes expected, "
                                   "got %zu",
                                   ADMIN_TOKEN_MIN, v->length);
    return config_value_text(r, v, &r->c->admin_token);
}

static int read_admin_table(struct config_reader *r, const struct datavalue *v)
{
    static const char *const names[] = {"listen", "token"};
    char path[CONFIG_PATH_MAX];
    int rc = 0;

    for (size_t i = 0; i < v->count && rc == 0; i++) {
        const struct datamember *m = &v->members[i];
        bool is_text = config_value_is_text(&m->key);

        config_value_enter(r, "admin", &m->key, path);
        if (is_text && strcmp(m->key.string, "listen") == 0)
            rc = config_value_address(r, &m->value, &r->c->admin);
        else if (is_text && strcmp(m->key.string, "token") == 0)
            rc = read_token(r, &m->value);
        else
            rc = config_value_reject_unknown(r, m->key.string, names, 2);
    }
    if (rc == 0)
        r->path = "admin";
    return rc;
}

static int read_admin(struct config_reader *r, const struct datavalue *v)
{
    int rc = v->type == DATA_TABLE ? read_admin_table(r, v)
                                   : config_value_address(r, v, &r->c->admin);

    if (rc == 0 && r->c->admin == NULL)
        return config_value_reject(r, "an address expected: admin = { listen = "
                                      "\"127.0.0.1:8788\" }");
    if (rc == 0 && r->c->admin_token == NULL &&
        !address_is_loopback(r->c->admin))
        return config_value_reject(
            r,
            "%s can be reached from other machines, so a token is needed: "
            "admin = { listen = \"%s\", token = os.getenv \"ADMIN_TOKEN\" }",
            r->c->admin, r->c->admin);
    return rc;
}

static int read_workers(struct config_reader *r, const struct datavalue *v)
{
    int64_t n = 0;
    int rc = config_value_integer(r, v, 0, WORKERS_MAX, &n);

    r->c->workers = (int)n;
    return rc;
}

static int read_durability(struct config_reader *r, const struct datavalue *v)
{
    bool relaxed = config_value_is_text(v) && strcmp(v->string, "relaxed") == 0;

    if (v->type != DATA_STRING)
        return config_value_reject_type(r, "\"disk\" or \"relaxed\"", v);
    if (!relaxed && strcmp(v->string, "disk") != 0)
        return config_value_reject(
            r, "\"disk\" or \"relaxed\" expected, got \"%s\"", v->string);
    r->c->relaxed = relaxed;
    return 0;
}

/* Every limit: its name, where it goes, the most it may be. */
static const struct limit_key {
    const char *name;
    size_t offset;
} limit_keys[] = {
#define X(name, value) {#name, offsetof(struct limits, name)},
    LIMIT_MAP(X)
#undef X
};

enum { LIMIT_COUNT = sizeof(limit_keys) / sizeof(*limit_keys) };

static int64_t limit_max(const char *name)
{
    const char *unit = name + strlen(name) - 3;

    if (strcmp(unit, "_ms") == 0)
        return MS_MAX;
    return strcmp(unit, "_mb") == 0 ? MB_MAX : COUNT_MAX;
}

static int unknown_limit(const struct config_reader *r,
                         const struct datavalue *key)
{
    const char *names[LIMIT_COUNT];

    for (size_t i = 0; i < LIMIT_COUNT; i++)
        names[i] = limit_keys[i].name;
    return config_value_reject_unknown(r, key->string, names, LIMIT_COUNT);
}

/* 0 means "no pings", "as fast as can be" and "as long as it takes"; nowhere
 * else it means anything. */
static int64_t limit_min(const char *name)
{
    static const char *const off[] = {"ping_ms", "alarm_rate", "call_ms"};

    for (size_t i = 0; i < sizeof(off) / sizeof(*off); i++) {
        if (strcmp(name, off[i]) == 0)
            return 0;
    }
    return 1;
}

static int read_limit(struct config_reader *r, const struct datamember *m)
{
    for (size_t i = 0; i < LIMIT_COUNT && config_value_is_text(&m->key); i++) {
        const struct limit_key *k = &limit_keys[i];
        char *field = (char *)&r->c->limits + k->offset;

        if (strcmp(k->name, m->key.string) == 0)
            return config_value_integer(r, &m->value, limit_min(k->name),
                                        limit_max(k->name),
                                        (int64_t *)(void *)field);
    }
    return unknown_limit(r, &m->key);
}

static int read_limits(struct config_reader *r, const struct datavalue *v)
{
    char path[CONFIG_PATH_MAX];

    if (v->type != DATA_TABLE)
        return config_value_reject_type(r, "a table", v);
    for (size_t i = 0; i < v->count; i++) {
        config_value_enter(r, "limits", &v->members[i].key, path);
        int rc = read_limit(r, &v->members[i]);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int read_history(struct config_reader *r, const struct datavalue *v)
{
    static const char *const names[] = {"days"};
    char path[CONFIG_PATH_MAX];
    int rc = 0;

    if (v->type != DATA_TABLE)
        return config_value_reject_type(r, "a table", v);
    for (size_t i = 0; i < v->count && rc == 0; i++) {
        const struct datamember *m = &v->members[i];

        config_value_enter(r, "history", &m->key, path);
        if (!config_value_is_text(&m->key) ||
            strcmp(m->key.string, "days") != 0)
            return config_value_reject_unknown(r, m->key.string, names, 1);
        rc = config_value_integer(r, &m->value, 0, DAYS_MAX,
                                  &r->c->history_days);
    }
    return rc;
}

/* One of the lists fetch.deny and fetch.allow; r->path names it. */
static int read_ranges(struct config_reader *r, const struct datavalue *v,
                       enum fetch_rule_kind kind)
{
    const char *list = kind == FETCH_DENY ? "fetch.deny" : "fetch.allow";
    char path[CONFIG_PATH_MAX];
    struct error why;

    if (v->type != DATA_TABLE)
        return config_value_reject_type(r, "a list of addresses", v);
    for (size_t i = 0; i < v->count; i++) {
        const struct datamember *m = &v->members[i];

        config_value_enter(r, list, &m->key, path);
        if (m->key.type != DATA_INTEGER)
            return config_value_reject(
                r, "a list expected: %s = { \"10.0.0.0/8\" }", list + 6);
        if (m->value.type != DATA_STRING)
            return config_value_reject_type(r, "an address or a range of them",
                                            &m->value);
        struct slice range = {m->value.string, m->value.length};
        if (fetch_policy_add(&r->c->fetch, kind, range, &why) != 0)
            return config_value_reject(r, "%s", why.text);
    }
    return 0;
}

static int read_fetch(struct config_reader *r, const struct datavalue *v)
{
    static const char *const names[] = {"deny", "allow"};
    char path[CONFIG_PATH_MAX];
    int rc = 0;

    if (v->type != DATA_TABLE)
        return config_value_reject_type(r, "a table", v);
    for (size_t i = 0; i < v->count && rc == 0; i++) {
        const struct datamember *m = &v->members[i];
        bool is_text = config_value_is_text(&m->key);

        config_value_enter(r, "fetch", &m->key, path);
        if (is_text && strcmp(m->key.string, "deny") == 0)
            rc = read_ranges(r, &m->value, FETCH_DENY);
        else if (is_text && strcmp(m->key.string, "allow") == 0)
            rc = read_ranges(r, &m->value, FETCH_ALLOW);
        else
            rc = config_value_reject_unknown(r, m->key.string, names, 2);
    }
    return rc;
}

static int read_class_keys(struct config_reader *r, const struct datavalue *v)
{
    return config_value_pairs(r, v, &r->c->keys, &r->c->key_count);
}

static int read_renamed(struct config_reader *r, const struct datavalue *v)
{
    return config_value_pairs(r, v, &r->c->renamed, &r->c->renamed_count);
}

static int read_deleted(struct config_reader *r, const struct datavalue *v)
{
    char path[CONFIG_PATH_MAX];
    int rc = 0;

    if (v->type != DATA_TABLE)
        return config_value_reject_type(r, "a list of class names", v);
    r->c->deleted = mem_zalloc((v->count + 1) * sizeof(char *));
    for (size_t i = 0; i < v->count && rc == 0; i++) {
        const struct datamember *m = &v->members[i];

        config_value_enter(r, "deleted", &m->key, path);
        if (m->key.type != DATA_INTEGER)
            return config_value_reject(r, "a list of class names expected: "
                                          "deleted = { \"Class\" }");
        rc = config_value_text(r, &m->value,
                               &r->c->deleted[r->c->deleted_count++]);
    }
    return rc;
}

static int read_var_names(struct config_reader *r, const struct datavalue *v)
{
    struct config *c = r->c;
    char path[CONFIG_PATH_MAX];

    c->var_names = mem_zalloc((v->count + 1) * sizeof(char *));
    for (size_t i = 0; i < v->count; i++) {
        const struct datavalue *key = &v->members[i].key;

        config_value_enter(r, "vars", key, path);
        if (!config_value_is_text(key))
            return config_value_reject(r, "a name expected as key, got %s",
                                       key->type == DATA_STRING
                                           ? "an empty string"
                                           : datavalue_describe(key));
        if (strcmp(key->string, "vars") == 0)
            return config_value_reject(
                r, "the name is reserved: env.vars has all of them");
        c->var_names[c->var_count++] = mem_dup(key->string, key->length);
    }
    return 0;
}

static int read_vars(struct config_reader *r, const struct datavalue *v)
{
    struct error why;

    if (v->type != DATA_TABLE)
        return config_value_reject_type(r, "a table", v);
    int rc = read_var_names(r, v);
    if (rc != 0 || v->count == 0)
        return rc;
    if (datatable_encode(r->table, "vars", VARS_MAX, &r->c->vars, &why) != 0)
        return error_set(r->err, ERR_INVALID, "%s: %s", r->from, why.text);
    return 0;
}

#define KEY_MAP(X)                                                             \
    X(main, read_main)                                                         \
    X(listen, read_listen)                                                     \
    X(data, read_data)                                                         \
    X(workers, read_workers)                                                   \
    X(vars, read_vars)                                                         \
    X(assets, read_assets)                                                     \
    X(limits, read_limits)                                                     \
    X(history, read_history)                                                   \
    X(durability, read_durability)                                             \
    X(admin, read_admin)                                                       \
    X(fetch, read_fetch)                                                       \
    X(keys, read_class_keys)                                                   \
    X(renamed, read_renamed)                                                   \
    X(deleted, read_deleted)

static const char *const key_names[] = {
#define X(name, read) #name,
    KEY_MAP(X)
#undef X
};

static int (*const key_readers[])(struct config_reader *,
                                  const struct datavalue *) = {
#define X(name, read) read,
    KEY_MAP(X)
#undef X
};

enum { KEY_COUNT = sizeof(key_names) / sizeof(*key_names) };

static int read_key(struct config_reader *r, const struct datamember *m)
{
    r->path = m->key.type == DATA_STRING ? m->key.string
                                         : datavalue_describe(&m->key);
    for (size_t i = 0; i < KEY_COUNT && config_value_is_text(&m->key); i++) {
        if (strcmp(key_names[i], m->key.string) == 0)
            return key_readers[i](r, &m->value);
    }
    if (m->key.type != DATA_STRING)
        return error_set(r->err, ERR_INVALID,
                         "%s: names expected as keys, got %s", r->from,
                         datavalue_describe(&m->key));
    return config_value_reject_unknown(r, m->key.string, key_names, KEY_COUNT);
}

int config_keys_apply(struct config *c, const char *from,
                      struct datatable *table, struct error *err)
{
    const struct datavalue *top = datatable_top(table);
    struct config_reader r = {.c = c, .from = from, .table = table, .err = err};

    for (size_t i = 0; i < top->count; i++) {
        int rc = read_key(&r, &top->members[i]);
        if (rc != 0)
            return rc;
    }
    return 0;
}
