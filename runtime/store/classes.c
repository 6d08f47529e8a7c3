#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "store/inside.h"
#include "store/record.h"

struct store_class *classes_intern(struct store *s, const char *name)
{
    size_t n = strlen(name);

    MUST(n >= 1 && n <= RECORD_CLASS_MAX);
    pthread_mutex_lock(&s->mutex);
    struct store_class *class = s->classes;
    while (class != NULL && strcmp(class->name, name) != 0)
        class = class->next;
    if (class == NULL) {
        class = mem_zalloc(sizeof(*class) + n + 1);
        memcpy(class->name, name, n);
        class->next = s->classes;
        s->classes = class;
    }
    pthread_mutex_unlock(&s->mutex);
    return class;
}

bool classes_is_name(struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (!(c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
              (c >= 'A' && c <= 'Z')))
            return false;
    }
    return s.n != 0 && s.n <= RECORD_CLASS_MAX;
}

/* Names, each once. */
struct name_set {
    char **names;
    size_t count;
};

static void add_name(struct name_set *set, const char *name)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->names[i], name) == 0)
            return;
    set->names = mem_realloc(set->names, (set->count + 1) * sizeof(char *));
    set->names[set->count++] = mem_dup(name, strlen(name));
}

static int add_folder(void *arg, const char *name, bool is_folder)
{
    if (is_folder && classes_is_name(slice_of(name)))
        add_name(arg, name);
    return 0;
}

struct looking {
    struct disk *disk;
    char path[RECORD_CLASS_MAX + 32];
};

static int is_database(void *arg, const char *name, bool is_folder)
{
    size_t n = strlen(name);

    (void)arg;
    return !is_folder && n > 7 && strcmp(name + n - 7, ".sqlite") == 0;
}

static int look_into(void *arg, const char *name, bool is_folder)
{
    struct looking *l = arg;
    size_t n = strlen(l->path);

    if (!is_folder || strlen(name) != 2)
        return 0;
    snprintf(l->path + n, sizeof(l->path) - n, "/%s", name);
    int rc = l->disk->ops->list(l->disk, l->path, is_database, NULL);
    l->path[n] = '\0';
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

int classes_has_file(struct disk *d, const char *name)
{
    struct looking l = {.disk = d};

    snprintf(l.path, sizeof(l.path), "objects/%s", name);
    int rc = d->ops->list(d, l.path, look_into, &l);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

static bool is_in_log(struct store *s, const char *name)
{
    bool found = false;

    pthread_mutex_lock(&s->mutex);
    for (struct store_class *c = s->classes; c != NULL; c = c->next)
        found |= strcmp(c->name, name) == 0 && atomic_load(&c->has_commits);
    pthread_mutex_unlock(&s->mutex);
    return found;
}

static void add_seen(struct store *s, struct name_set *set)
{
    pthread_mutex_lock(&s->mutex);
    for (struct store_class *c = s->classes; c != NULL; c = c->next)
        if (atomic_load(&c->has_commits))
            add_name(set, c->name);
    pthread_mutex_unlock(&s->mutex);
}

int store_classes(struct store *s,
                  int (*each)(void *arg, const char *class_name), void *arg)
{
    struct disk *d = s->config.disk;
    struct name_set set = {0};

    add_seen(s, &set);
    int rc = d->ops->list(d, "objects", add_folder, &set);
    rc = rc == ERR_NOT_FOUND ? 0 : rc;
    for (size_t i = 0; i < set.count; i++) {
        int found = rc != 0 ? 0
                    : is_in_log(s, set.names[i])
                        ? 1
                        : classes_has_file(d, set.names[i]);

        if (found < 0)
            rc = found;
        else if (found != 0)
            rc = each(arg, set.names[i]);
        free(set.names[i]);
    }
    free(set.names);
    return rc;
}
