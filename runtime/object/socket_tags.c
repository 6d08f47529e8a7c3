/*
 * socket_tags.c - tags of hibernatable sockets.
 *
 * Each tag of each object is in one table of the realm, with the sockets that
 * have it, so that those are found without a look at all others.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "object/object.h"
#include "object/socket_inside.h"

/* Address of the object, then the text. */
enum { PREFIX = sizeof(struct object *) };

struct socket_tag {
    UT_hash_handle hh;   /* realm.tags, while it has members */
    struct list members; /* tag_link, oldest first */
    uint32_t refs;       /* tag_links, those of sockets that left too */
    uint32_t n;          /* bytes of the key */
    char key[];
};

struct tag_link {
    struct list link; /* members */
    struct socket *socket;
    struct socket_tag *tag;
};

struct socket_tags {
    size_t count;
    struct tag_link of[];
};

static struct tag_link *link_of(struct list *link)
{
    return container_of(link, struct tag_link, link);
}

static size_t make_key(char key[PREFIX + SOCKET_TAG_MAX],
                       const struct object *o, struct slice tag)
{
    memcpy(key, &o, PREFIX);
    if (tag.n != 0)
        memcpy(key + PREFIX, tag.p, tag.n);
    return PREFIX + tag.n;
}

static struct socket_tag *find(const struct object *o, struct slice tag)
{
    char key[PREFIX + SOCKET_TAG_MAX];
    struct socket_tag *t = NULL;

    if (tag.n > SOCKET_TAG_MAX)
        return NULL;
    size_t n = make_key(key, o, tag);

    HASH_FIND(hh, o->realm->tags, key, n, t);
    return t;
}

static struct socket_tag *need(struct object *o, struct slice tag)
{
    struct socket_tag *t = find(o, tag);

    MUST(tag.n <= SOCKET_TAG_MAX);
    if (t != NULL)
        return t;
    t = mem_zalloc(sizeof(*t) + PREFIX + tag.n);
    list_init(&t->members);
    t->n = (uint32_t)make_key(t->key, o, tag);
    HASH_ADD_KEYPTR(hh, o->realm->tags, t->key, t->n, t);
    return t;
}

void socket_tags_trim(struct realm *r)
{
    TABLE_TRIM(hh, r->tags);
}

/* ---- the tags of one socket ---- */

static struct tag_link *find_link(const struct socket *s, struct slice tag)
{
    for (size_t i = 0; i < socket_tag_count(s); i++) {
        if (slice_eq(socket_tag(s, i), tag))
            return &s->tags->of[i];
    }
    return NULL;
}

void socket_tags_set(struct socket *s, const struct slice *tags, size_t count)
{
    struct socket_tags *all;

    if (count == 0)
        return;
    all = mem_zalloc(sizeof(*all) + count * sizeof(struct tag_link));
    s->tags = all;
    for (size_t i = 0; i < count; i++) {
        if (find_link(s, tags[i]) != NULL)
            continue;
        struct tag_link *l = &all->of[all->count++];

        l->socket = s;
        l->tag = need(s->object, tags[i]);
        l->tag->refs++;
        list_push(&l->tag->members, &l->link);
    }
}

void socket_tags_leave(struct socket *s)
{
    for (size_t i = 0; i < socket_tag_count(s); i++) {
        struct tag_link *l = &s->tags->of[i];

        list_unlink(&l->link);
        if (list_empty(&l->tag->members))
            HASH_DEL(s->realm->tags, l->tag);
    }
}

void socket_tags_free(struct socket *s)
{
    for (size_t i = 0; i < socket_tag_count(s); i++) {
        if (--s->tags->of[i].tag->refs == 0)
            free(s->tags->of[i].tag);
    }
    free(s->tags);
    s->tags = NULL;
}

size_t socket_tag_count(const struct socket *s)
{
    return s->tags == NULL ? 0 : s->tags->count;
}

struct slice socket_tag(const struct socket *s, size_t i)
{
    const struct socket_tag *t = s->tags->of[i].tag;

    return (struct slice){t->key + PREFIX, t->n - PREFIX};
}

bool socket_has_tag(const struct socket *s, struct slice tag)
{
    return find_link(s, tag) != NULL;
}

/* ---- the sockets of one tag ---- */

struct socket *socket_tags_next(const struct object *o,
                                const struct socket *after, struct slice tag)
{
    struct socket_tag *t = find(o, tag);
    struct list *at;

    if (t == NULL)
        return NULL;
    if (after == NULL) {
        at = t->members.prev;
    } else {
        struct tag_link *l = find_link(after, tag);

        if (l == NULL || l->tag != t || after->object != o)
            return NULL;
        at = l->link.prev;
    }
    while (at != &t->members && !sockets_shows(link_of(at)->socket))
        at = at->prev;
    return at == &t->members ? NULL : link_of(at)->socket;
}
