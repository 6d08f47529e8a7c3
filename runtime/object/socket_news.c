/* socket_news.c - what came from the peer, on its way to the script. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "object/event.h"
#include "object/object.h"
#include "object/section.h"
#include "object/socket_inside.h"

/* Longer ones are freed as soon as the script has its copy. */
enum { LARGE_BYTES = 4096 };

/* ---- news ---- */

static size_t room_of(const struct socket_news *what)
{
    return sizeof(*what) + (what->bytes.n > LARGE_BYTES ? 0 : what->bytes.n);
}

/* Copy `what` to `n`, which has room_of it. */
static void fill(struct socket_news *n, const struct socket_news *what)
{
    char *to = (char *)(n + 1);

    *n = *what;
    list_init(&n->link);
    n->large = NULL;
    if (what->bytes.n == 0)
        return;
    if (what->bytes.n > LARGE_BYTES)
        to = n->large = mem_alloc(what->bytes.n);
    n->bytes.p = memcpy(to, what->bytes.p, what->bytes.n);
}

void socket_news_forget(struct socket_news *n)
{
    if (n->large == NULL)
        return;
    free(n->large);
    n->large = NULL;
    n->bytes = (struct slice){0};
}

void socket_news_free(struct socket_news *n)
{
    if (n == NULL)
        return;
    list_unlink(&n->link);
    free(n->large);
    free(n);
}

/* ---- events ---- */

/* The news are part of the event's memory. */
static struct event *new_event(struct socket *s, const struct socket_news *what)
{
    struct event *e = event_new_with(EVENT_SOCKET, room_of(what));

    e->news = (struct socket_news *)(void *)(e + 1);
    fill(e->news, what);
    e->news->socket = socket_hold(s);
    e->oid = s->object->id;
    e->has_oid = s->object->cls != NULL;
    return e;
}

static void spawn(struct socket *s, struct event *e)
{
    if (s->more != NULL && s->more->section != NULL)
        e->section = section_hold(s->more->section);
    object_spawn(s->object, e);
}

static bool is_of(const struct event *e, const struct socket *s)
{
    return e->kind == EVENT_SOCKET && (s == NULL || e->news->socket == s);
}

void socket_move_spawned(struct socket *s)
{
    struct object *o = s->object;
    struct list *link = o->spawned.next;

    while (link != &o->spawned) {
        struct event *e = container_of(link, struct event, link);

        link = link->next;
        if (!is_of(e, s))
            continue;
        list_unlink(&e->link);
        section_drop(e->section);
        e->section = NULL;
        realm_push(o, e);
    }
}

void socket_drop_mail(struct object *o, const struct socket *s,
                      bool keep_closes)
{
    struct list *link = o->mailbox.next;

    while (link != &o->mailbox) {
        struct event *e = container_of(link, struct event, link);

        link = link->next;
        if (!is_of(e, s) || (keep_closes && e->news->kind == SOCKET_CLOSE))
            continue;
        o->mailbox_n--;
        event_free(e);
    }
}

/* ---- telling ---- */

static void put_in_inbox(struct socket *s, const struct socket_news *what)
{
    struct socket_news *n = mem_alloc(room_of(what));

    fill(n, what);
    n->socket = NULL;
    list_push(&socket_need_more(s)->inbox, &n->link);
    if (s->mode == SOCKET_QUEUED)
        s->realm->config.script->socket_ready(s);
}

static void give(struct socket *s, const struct socket_news *what)
{
    switch ((enum socket_mode)s->mode) {
    case SOCKET_HIBERNATABLE:
        realm_push(s->object, new_event(s, what));
        break;
    case SOCKET_LISTENED:
        spawn(s, new_event(s, what));
        break;
    case SOCKET_QUEUED:
    case SOCKET_NEW:
        put_in_inbox(s, what);
        break;
    }
}

static void close_for_good(struct socket *s, int code)
{
    s->state = SOCKET_CLOSED;
    if (s->peer_is_closing)
        socket_push_close(s, code, (struct slice){0});
}

void socket_tell(struct socket *s, const struct socket_news *what)
{
    /* A peer is not kept waiting for a script that may never look. */
    bool nobody_looks = s->mode == SOCKET_QUEUED && s->script == NULL &&
                        (s->more == NULL || list_empty(&s->more->inbox));

    if (s->object == NULL || s->is_over)
        return;
    if (what->kind != SOCKET_CLOSE) {
        give(s, what);
        return;
    }
    s->is_over = true;
    give(s, what);
    /* What is left to read does not need the object longer than it lives. */
    socket_let_go(s);
    if (nobody_looks)
        close_for_good(s, what->code);
}

void socket_tell_inbox(struct socket *s)
{
    struct list *link;

    while (s->more != NULL && (link = list_shift(&s->more->inbox)) != NULL) {
        struct socket_news *n = container_of(link, struct socket_news, link);

        give(s, n);
        socket_news_free(n);
    }
    socket_trim_more(s);
}

/* ---- back-pressure ---- */

void socket_pace(struct socket *s)
{
    bool is_paused = s->is_behind || s->object->sockets->is_full;

    if (s->ops == NULL || is_paused == s->is_paused)
        return;
    s->is_paused = is_paused;
    s->ops->want(s->peer, !is_paused);
}

static void pace_list(const struct list *sockets)
{
    const struct list *link = sockets->next;

    while (link != sockets) {
        struct socket *s = container_of(link, struct socket, link);

        link = link->next;
        socket_pace(s);
    }
}

/* One peer alone cannot make much wait, but there are many. */
static void set_full(struct sockets *all)
{
    bool is_full = all->is_full ? all->unread_bytes >= SOCKETS_AHEAD_BYTES / 2
                                : all->unread_bytes > SOCKETS_AHEAD_BYTES;

    if (is_full == all->is_full)
        return;
    all->is_full = is_full;
    pace_list(&all->accepted);
    pace_list(&all->others);
}

static bool is_behind(const struct socket *s)
{
    return s->is_behind ? s->unread_n >= SOCKET_AHEAD_MAX / 2 ||
                              s->unread_bytes >= SOCKET_AHEAD_BYTES / 2
                        : s->unread_n > SOCKET_AHEAD_MAX ||
                              s->unread_bytes > SOCKET_AHEAD_BYTES;
}

void socket_count(struct socket *s, size_t bytes)
{
    struct sockets *all = s->object->sockets;

    s->unread_n++;
    s->unread_bytes += (uint32_t)bytes;
    all->unread_bytes += bytes;
    s->is_behind = is_behind(s);
    socket_pace(s);
    set_full(all);
}

static void uncount(struct socket *s, size_t bytes)
{
    s->unread_n--;
    s->unread_bytes -= (uint32_t)bytes;
    if (s->object == NULL)
        return;
    s->object->sockets->unread_bytes -= bytes;
    s->is_behind = is_behind(s);
    socket_pace(s);
    set_full(s->object->sockets);
}

void socket_uncount(struct socket *s)
{
    struct sockets *all = s->object->sockets;

    all->unread_bytes -= s->unread_bytes;
    set_full(all);
    if (s->is_paused && s->ops != NULL)
        s->ops->want(s->peer, true);
    s->is_paused = false;
}

/* The script gets `n`. */
static void take(struct socket *s, const struct socket_news *n)
{
    if (n->kind == SOCKET_MESSAGE)
        uncount(s, n->bytes.n);
    else if (n->kind == SOCKET_CLOSE)
        close_for_good(s, n->code);
}

struct socket_news *socket_receive(struct socket *s)
{
    struct list *link = s->more == NULL ? NULL : list_shift(&s->more->inbox);

    if (link == NULL)
        return NULL;
    struct socket_news *n = container_of(link, struct socket_news, link);

    take(s, n);
    socket_trim_more(s);
    if (n->kind == SOCKET_CLOSE)
        socket_leave(s);
    return n;
}

/* ---- the life of an event ---- */

void socket_event_begins(struct event *e)
{
    take(e->news->socket, e->news);
}

void socket_event_ends(struct event *e)
{
    if (e->news->kind == SOCKET_CLOSE)
        socket_leave(e->news->socket);
}

void socket_event_failed(struct event *e)
{
    struct socket *s = e->news->socket;

    if (s->object == NULL)
        return;
    socket_push_close(s, CLOSE_FAILED, (struct slice){0});
    s->state = SOCKET_CLOSED;
    s->is_over = true;
    socket_drop_mail(s->object, s, false);
    socket_leave(s);
}

void socket_event_fini(struct event *e)
{
    free(e->news->large);
    socket_drop(e->news->socket);
}
