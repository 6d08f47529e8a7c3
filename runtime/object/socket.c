#include "object/socket.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/must.h"
#include "object/object.h"
#include "object/section.h"
#include "object/socket_inside.h"

/* ---- what is rare ---- */

struct socket_more *socket_need_more(struct socket *s)
{
    if (s->more == NULL) {
        s->more = mem_zalloc(sizeof(*s->more));
        s->more->socket = s;
        list_init(&s->more->waiting);
        list_init(&s->more->inbox);
    }
    return s->more;
}

void socket_trim_more(struct socket *s)
{
    struct socket_more *m = s->more;

    if (m == NULL || m->url != NULL || m->is_findable || m->section != NULL ||
        !list_empty(&m->waiting) || !list_empty(&m->inbox))
        return;
    free(m);
    s->more = NULL;
}

static void show(struct socket *s)
{
    struct socket_more *m = socket_need_more(s);

    m->is_findable = true;
    HASH_ADD_KEYPTR(hh, s->realm->sockets, &s->number, sizeof(s->number), m);
}

void socket_hide(struct socket *s)
{
    struct socket_more *m = s->more;

    if (m == NULL || !m->is_findable)
        return;
    HASH_DEL(s->realm->sockets, m);
    m->is_findable = false;
    socket_trim_more(s);
}

struct socket *socket_find(struct realm *r, uint64_t number)
{
    struct socket_more *m = NULL;

    HASH_FIND(hh, r->sockets, &number, sizeof(number), m);
    return m == NULL ? NULL : m->socket;
}

/* ---- beginning and end ---- */

struct socket *socket_new(struct object *o)
{
    struct socket *s = mem_zalloc(sizeof(*s));

    s->refs = 2;
    s->object = o;
    s->realm = o->realm;
    s->number = ++o->realm->socket_count;
    s->extensions = "";
    s->script_ref = SOCKET_NO_REF;
    list_init(&s->link);
    list_push(&sockets_need(o)->others, &s->link);
    show(s);
    return s;
}

struct socket *socket_hold(struct socket *s)
{
    s->refs++;
    return s;
}

static void forget_url(struct socket *s)
{
    if (s->more == NULL)
        return;
    free(s->more->url);
    s->more->url = NULL;
    socket_trim_more(s);
}

static void free_socket(struct socket *s)
{
    forget_url(s);
    MUST(s->object == NULL && s->ops == NULL && s->more == NULL);
    socket_tags_free(s);
    buf_fini(&s->attachment);
    free(s->protocol);
    free(s);
}

/* Only the caller, object and peer have it, and no script can ever accept
 * it. */
static bool is_abandoned(const struct socket *s)
{
    uint32_t own = s->ops == NULL ? 1 : 2;

    return s->mode == SOCKET_NEW && s->object != NULL && s->refs == own + 1;
}

static void detach(struct socket *s);

void socket_drop(struct socket *s)
{
    if (s == NULL)
        return;
    if (is_abandoned(s)) {
        socket_cut(s);
        detach(s);
        s->refs--; /* the object's */
    }
    if (--s->refs == 0)
        free_socket(s);
}

void socket_cut(struct socket *s)
{
    const struct peer_ops *ops = s->ops;
    void *peer = s->peer;

    s->is_over = true;
    socket_let_go(s);
    socket_forget_waiting(s);
    socket_hide(s);
    if (ops == NULL)
        return;
    s->ops = NULL;
    s->peer = NULL;
    s->realm->sockets_left--;
    ops->cut(peer);
}

void socket_let_go(struct socket *s)
{
    if (!s->keeps)
        return;
    s->keeps = false;
    object_let_go(s->object);
}

static void free_more(struct socket *s)
{
    struct list *link;

    socket_forget_waiting(s);
    socket_hide(s);
    if (s->more == NULL)
        return;
    while ((link = list_shift(&s->more->inbox)) != NULL)
        socket_news_free(container_of(link, struct socket_news, link));
    section_drop(s->more->section);
    s->more->section = NULL;
    socket_trim_more(s);
}

/* Out of its object, whose reference is left to the caller. */
static void detach(struct socket *s)
{
    struct object *o = s->object;

    socket_let_go(s);
    socket_uncount(s);
    free_more(s);
    socket_tags_leave(s);
    list_unlink(&s->link);
    if (s->mode == SOCKET_HIBERNATABLE)
        o->sockets->accepted_n--;
    s->object = NULL;
    sockets_trim(o);
    if (o->sockets == NULL && o->state == OBJECT_ASLEEP)
        realm_schedule(o->realm, o); /* which frees it */
}

void socket_leave(struct socket *s)
{
    if (s->object == NULL)
        return;
    detach(s);
    socket_drop(s);
}

/* ---- accepting ---- */

void socket_accept_plain(struct socket *s)
{
    MUST(s->mode == SOCKET_NEW);
    s->mode = SOCKET_QUEUED;
    if (s->object == NULL || s->is_over)
        return;
    s->keeps = true;
    object_keep(s->object);
}

int socket_accept_hibernatable(struct socket *s, const struct slice *tags,
                               size_t count)
{
    struct object *o = s->object;

    MUST(s->mode != SOCKET_HIBERNATABLE && count <= SOCKET_TAGS_MAX);
    if (o == NULL)
        return 0;
    if (o->sockets->accepted_n >= SOCKETS_MAX)
        return ERR_TOO_BIG;
    socket_let_go(s);
    s->mode = SOCKET_HIBERNATABLE;
    list_unlink(&s->link);
    list_push(&o->sockets->accepted, &s->link);
    o->sockets->accepted_n++;
    socket_tags_set(s, tags, count);
    socket_move_spawned(s);
    if (s->more != NULL) {
        section_drop(s->more->section);
        s->more->section = NULL;
    }
    socket_tell_inbox(s);
    return 0;
}

void socket_listen(struct socket *s)
{
    MUST(s->mode == SOCKET_QUEUED);
    s->mode = SOCKET_LISTENED;
    if (s->object == NULL)
        return;
    struct section *running = object_running_section(s->object);

    if (running != NULL)
        socket_need_more(s)->section = section_hold(running);
    socket_tell_inbox(s);
}

/* ---- url and attachment ---- */

void socket_set_url(struct socket *s, struct slice url)
{
    forget_url(s);
    socket_need_more(s)->url = mem_dup(url.p, url.n);
}

const char *socket_url(const struct socket *s)
{
    return s->more == NULL ? NULL : s->more->url;
}

void socket_set_attachment(struct socket *s, struct slice encoded)
{
    buf_fini(&s->attachment);
    if (encoded.n == 0)
        return;
    /* Exactly as long as it is: there may be very many. */
    s->attachment = (struct buf){
        .p = mem_alloc(encoded.n), .n = encoded.n, .cap = encoded.n};
    memcpy(s->attachment.p, encoded.p, encoded.n);
}
