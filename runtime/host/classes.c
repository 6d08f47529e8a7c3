#include "host/classes.h"

#include <string.h>

static bool has_class(const struct script_listing *l, const char *name)
{
    for (size_t i = 0; i < l->class_count; i++) {
        if (strcmp(l->classes[i].name, name) == 0)
            return true;
    }
    return false;
}

static const char *find(const struct config_pair *pairs, size_t count,
                        const char *from)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(pairs[i].from, from) == 0)
            return pairs[i].to;
    }
    return NULL;
}

/* The name that the class had before, or NULL. */
static const char *old_name(const struct config *c, const char *name)
{
    for (size_t i = 0; i < c->renamed_count; i++) {
        if (strcmp(c->renamed[i].to, name) == 0)
            return c->renamed[i].from;
    }
    return NULL;
}

void classes_key(const struct config *c, const char *name, struct buf *out)
{
    const char *old = old_name(c, name);
    const char *key = find(c->keys, c->key_count, name);

    if (key == NULL && old != NULL)
        key = find(c->keys, c->key_count, old);
    if (key != NULL)
        buf_add_text(out, key);
    else
        buf_printf(out, "%s-%s", c->app, old != NULL ? old : name);
}

/* ---- keys ---- */

static bool have_same_key(const struct config *c, const char *a, const char *b)
{
    struct buf keys[2] = {{0}, {0}};

    classes_key(c, a, &keys[0]);
    classes_key(c, b, &keys[1]);
    bool are_same = slice_eq(buf_slice(&keys[0]), buf_slice(&keys[1]));
    buf_fini(&keys[0]);
    buf_fini(&keys[1]);
    return are_same;
}

/* A key for a class that is gone may stay where the class is spoken of. */
static int check_key(const struct config *c, const char *name,
                     const struct script_listing *listing, struct error *err)
{
    bool is_known = has_class(listing, name) ||
                    find(c->renamed, c->renamed_count, name) != NULL;

    for (size_t i = 0; i < c->deleted_count && !is_known; i++)
        is_known = strcmp(c->deleted[i], name) == 0;
    if (is_known)
        return 0;
    return error_set(err, ERR_INVALID,
                     "%s: keys.%s: the script has no class '%s'", c->file, name,
                     name);
}

/* ---- renamed ---- */

/* Every start reads the same configuration, so it must say the same of a class
 * that has its new name already. */
static int check_renamed(const struct config *c, const struct config_pair *pair,
                         const struct script_listing *listing,
                         struct error *err)
{
    const char *first = old_name(c, pair->to);

    if (has_class(listing, pair->from))
        return error_set(err, ERR_INVALID,
                         "%s: renamed.%s: the script still has a class '%s'",
                         c->file, pair->from, pair->from);
    if (!has_class(listing, pair->to))
        return error_set(err, ERR_INVALID,
                         "%s: renamed.%s: the script has no class '%s'",
                         c->file, pair->from, pair->to);
    if (strcmp(first, pair->from) != 0)
        return error_set(err, ERR_INVALID,
                         "%s: renamed.%s: class '%s' has the objects of '%s'",
                         c->file, pair->from, pair->to, first);
    return 0;
}

static int rename_classes(const struct config *c, struct store *store,
                          struct error *err)
{
    int rc = 0;

    for (size_t i = 0; i < c->renamed_count && rc == 0; i++)
        rc = store_rename_class(store, c->renamed[i].from, c->renamed[i].to,
                                err);
    return rc;
}

/* ---- deleted ---- */

static int check_deleted(const struct config *c, const char *name,
                         const struct script_listing *listing,
                         struct error *err)
{
    if (!has_class(listing, name))
        return 0;
    return error_set(err, ERR_INVALID,
                     "%s: deleted: the script still has a class '%s'", c->file,
                     name);
}

/* 1 for store_classes to stop at the class. */
static int is_class(void *arg, const char *name)
{
    return strcmp(arg, name) == 0;
}

static int delete_class(const struct config *c, char *name, struct store *store,
                        struct error *err)
{
    int found = store_classes(store, is_class, name);

    if (found <= 0)
        return found == 0 ? 0
                          : error_set(err, found,
                                      "cannot look for the objects of class "
                                      "'%s': %s",
                                      name, err_text(found));
    if (c->may_delete == NULL || !c->may_delete(name))
        return error_set(err, ERR_INVALID,
                         "%s: deleted: class '%s' has data: start with --yes "
                         "to delete all its objects",
                         c->file, name);
    return store_delete_class(store, name, err);
}

static int delete_classes(const struct config *c, struct store *store,
                          struct error *err)
{
    int rc = 0;

    for (size_t i = 0; i < c->deleted_count && rc == 0; i++)
        rc = delete_class(c, c->deleted[i], store, err);
    return rc;
}

/* ---- what is left ---- */

struct missing {
    const struct script_listing *listing;
    struct error *err;
};

static int check_class(void *arg, const char *name)
{
    const struct missing *m = arg;

    if (has_class(m->listing, name))
        return 0;
    return error_set(m->err, ERR_INVALID,
                     "class '%s' has data, but the script has no such class: "
                     "add renamed = { %s = \"NewName\" } to the configuration "
                     "to keep its data under another class, or deleted = { "
                     "\"%s\" } to delete it",
                     name, name, name);
}

static int check_names(const struct config *c,
                       const struct script_listing *listing, struct error *err)
{
    int rc = 0;

    for (size_t i = 0; i < c->key_count && rc == 0; i++)
        rc = check_key(c, c->keys[i].from, listing, err);
    for (size_t i = 0; i < c->renamed_count && rc == 0; i++)
        rc = check_renamed(c, &c->renamed[i], listing, err);
    for (size_t i = 0; i < c->deleted_count && rc == 0; i++)
        rc = check_deleted(c, c->deleted[i], listing, err);
    return rc;
}

/* Of a class that was renamed and is still there, that is the thing to say. */
static int refuse_same_key(const struct config *c, const char *a, const char *b,
                           const struct script_listing *listing,
                           struct error *err)
{
    int rc = check_names(c, listing, err);

    return rc != 0 ? rc
                   : error_set(err, ERR_INVALID,
                               "%s: keys: classes '%s' and '%s' have the same "
                               "unique key, and so the same ids",
                               c->file, a, b);
}

int classes_fit(const struct config *c, const struct script_listing *listing,
                struct error *err)
{
    int rc = 0;

    for (size_t i = 0; i < listing->class_count && rc == 0; i++) {
        const char *name = listing->classes[i].name;

        rc = config_check_class(c, name, err);
        for (size_t j = 0; j < i && rc == 0; j++) {
            const char *other = listing->classes[j].name;

            if (have_same_key(c, name, other))
                rc = refuse_same_key(c, other, name, listing, err);
        }
    }
    return rc;
}

int classes_check(const struct config *c, const struct script_listing *listing,
                  struct error *err)
{
    int rc = classes_fit(c, listing, err);

    return rc != 0 ? rc : check_names(c, listing, err);
}

int classes_settle(const struct config *c, const struct script_listing *listing,
                   struct store *store, struct error *err)
{
    int rc = check_names(c, listing, err);

    if (rc == 0)
        rc = rename_classes(c, store, err);
    if (rc == 0)
        rc = delete_classes(c, store, err);
    if (rc != 0)
        return rc;
    err->code = 0;
    rc = store_classes(store, check_class, &(struct missing){listing, err});
    if (rc != 0 && err->code == 0)
        error_set(err, rc, "cannot look for the classes that have data: %s",
                  err_text(rc));
    return rc;
}
