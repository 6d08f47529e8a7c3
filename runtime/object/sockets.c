/* sockets.c - all sockets of an object, all sockets of a realm. */
#include <stdlib.h>

#include "base/mem.h"
#include "base/must.h"
#include "object/event.h"
#include "object/object.h"
#include "object/socket_inside.h"

static struct socket *socket_of(struct list *link)
{
    return container_of(link, struct socket, link);
}

struct sockets *sockets_need(struct object *o)
{
    if (o->sockets == NULL) {
        o->sockets = mem_zalloc(sizeof(*o->sockets));
        list_init(&o->sockets->accepted);
        list_init(&o->sockets->others);
    }
    return o->sockets;
}

static bool has_none(const struct sockets *all)
{
    return list_empty(&all->accepted) && list_empty(&all->others);
}

static void unset_auto(struct sockets *all)
{
    packet_drop(all->auto_request);
    packet_drop(all->auto_response);
    all->auto_request = NULL;
    all->auto_response = NULL;
}

void sockets_trim(struct object *o)
{
    struct sockets *all = o->sockets;

    if (all == NULL || !has_none(all))
        return;
    /* Not worth keeping an object in memory for. */
    if (o->state == OBJECT_ASLEEP)
        unset_auto(all);
    if (all->auto_request != NULL)
        return;
    free(all);
    o->sockets = NULL;
}

bool sockets_any(const struct object *o)
{
    return o->sockets != NULL && !has_none(o->sockets);
}

bool sockets_shows(const struct socket *s)
{
    return s->state != SOCKET_CLOSED;
}

struct socket *sockets_next(const struct object *o, const struct socket *after,
                            struct slice tag)
{
    const struct sockets *all = o->sockets;

    if (all == NULL)
        return NULL;
    if (tag.p != NULL)
        return socket_tags_next(o, after, tag);
    if (after != NULL && after->object != o)
        return NULL;
    struct list *at = after == NULL ? all->accepted.prev : after->link.prev;

    while (at != &all->accepted && !sockets_shows(socket_of(at)))
        at = at->prev;
    return at == &all->accepted ? NULL : socket_of(at);
}

/* ---- broadcast ---- */

static void mark(struct socket *const *except, size_t n, bool is_excepted)
{
    for (size_t i = 0; i < n; i++)
        except[i]->is_excepted = is_excepted;
}

static struct socket *next_open(const struct object *o,
                                const struct socket *after, struct slice tag)
{
    struct socket *s = sockets_next(o, after, tag);

    while (s != NULL && (s->state != SOCKET_OPEN || s->is_excepted))
        s = sockets_next(o, s, tag);
    return s;
}

static size_t send_now(struct object *o, struct packet *p, struct slice tag)
{
    size_t count = 0;

    for (struct socket *s = next_open(o, NULL, tag); s != NULL;
         s = next_open(o, s, tag)) {
        if (s->held == 0)
            socket_pass(s, p);
        else
            socket_push(s, p);
        count++;
    }
    return count;
}

static size_t send_later(struct object *o, struct packet *p, struct slice tag)
{
    struct socket **to =
        mem_alloc((o->sockets->accepted_n + 1) * sizeof(struct socket *));
    size_t count = 0;

    for (struct socket *s = next_open(o, NULL, tag); s != NULL;
         s = next_open(o, s, tag))
        to[count++] = s;
    if (count != 0)
        socket_hold_back(o, p, to, count);
    free(to);
    return count;
}

size_t sockets_broadcast(struct object *o, struct packet *p, struct slice tag,
                         struct socket *const *except, size_t except_n)
{
    size_t count;

    if (o->sockets == NULL)
        return 0;
    mark(except, except_n, true);
    count = object_has_nothing_to_wait_for(o) ? send_now(o, p, tag)
                                              : send_later(o, p, tag);
    mark(except, except_n, false);
    o->sent += count * p->n;
    return count;
}

/* ---- auto-response ---- */

void sockets_set_auto(struct object *o, struct slice request,
                      struct slice response)
{
    struct sockets *all = sockets_need(o);

    unset_auto(all);
    if (request.p != NULL) {
        all->auto_request = packet_new(request, false);
        all->auto_response = packet_new(response, false);
    }
    sockets_trim(o);
}

bool sockets_auto(const struct object *o, struct slice *request,
                  struct slice *response)
{
    const struct sockets *all = o->sockets;

    if (all == NULL || all->auto_request == NULL)
        return false;
    *request = (struct slice){all->auto_request->bytes, all->auto_request->n};
    *response =
        (struct slice){all->auto_response->bytes, all->auto_response->n};
    return true;
}

/* ---- the end of the state ---- */

/* The script is no more that knew `s`. */
static void end_plain(struct socket *s)
{
    socket_hold(s);
    s->script_ref = SOCKET_NO_REF;
    if (s->mode == SOCKET_NEW)
        socket_cut(s);
    else
        socket_push_close(s, CLOSE_RESTART, (struct slice){0});
    s->state = SOCKET_CLOSED;
    s->is_over = true;
    socket_leave(s);
    socket_drop(s);
}

static void end_plain_ones(struct object *o)
{
    while (o->sockets != NULL && !list_empty(&o->sockets->others))
        end_plain(socket_of(o->sockets->others.next));
}

void sockets_retire(struct object *o)
{
    struct list *link;

    if (o->sockets == NULL)
        return;
    for (link = o->sockets->others.next; link != &o->sockets->others;
         link = link->next) {
        if (socket_of(link)->mode != SOCKET_NEW)
            socket_close(socket_of(link), CLOSE_RESTART, (struct slice){0});
    }
}

void sockets_unload(struct object *o)
{
    struct list *link;

    end_plain_ones(o);
    if (o->sockets == NULL)
        return;
    for (link = o->sockets->accepted.next; link != &o->sockets->accepted;
         link = link->next)
        socket_of(link)->script_ref = SOCKET_NO_REF;
    if (has_none(o->sockets))
        unset_auto(o->sockets);
    sockets_trim(o);
}

static void cut_for_good(struct socket *s)
{
    socket_hold(s);
    s->script_ref = SOCKET_NO_REF;
    socket_cut(s);
    s->state = SOCKET_CLOSED;
    socket_leave(s);
    socket_drop(s);
}

/* Cut it; the fresh state is told, unless it has been or will be anyway. */
static void reset(struct socket *s)
{
    bool is_told = s->is_over;

    socket_cut(s);
    s->state = SOCKET_CLOSED;
    if (is_told)
        return;
    s->is_over = false;
    socket_tell(
        s, &(struct socket_news){.kind = SOCKET_CLOSE, .code = CLOSE_LOST});
}

/* With the last one, `o->sockets` goes too. */
static void cut_all(struct object *o, bool with_accepted)
{
    unset_auto(o->sockets);
    while (o->sockets != NULL && !list_empty(&o->sockets->others))
        cut_for_good(socket_of(o->sockets->others.next));
    while (with_accepted && o->sockets != NULL &&
           !list_empty(&o->sockets->accepted))
        cut_for_good(socket_of(o->sockets->accepted.next));
}

void sockets_forget(struct object *o)
{
    if (o->sockets == NULL)
        return;
    socket_drop_mail(o, NULL, false);
    cut_all(o, true);
}

void sockets_reset(struct object *o)
{
    struct list *link;

    if (o->realm->is_closing) {
        sockets_forget(o);
        return;
    }
    if (o->sockets == NULL)
        return;
    socket_drop_mail(o, NULL, true);
    cut_all(o, false);
    if (o->sockets == NULL)
        return;
    for (link = o->sockets->accepted.next; link != &o->sockets->accepted;
         link = link->next)
        reset(socket_of(link));
}

/* ---- the server goes down ---- */

static void close_list(struct list *list)
{
    struct list *link;

    for (link = list->next; link != list; link = link->next)
        socket_close(socket_of(link), CLOSE_GOING_AWAY, (struct slice){0});
}

static void go_away(struct object *o)
{
    if (o == NULL || o->sockets == NULL)
        return;
    close_list(&o->sockets->accepted);
    close_list(&o->sockets->others);
}

void sockets_go_away(struct realm *r)
{
    struct list *link;

    r->is_going_away = true;
    go_away(r->router);
    for (link = r->routers.next; link != &r->routers; link = link->next)
        go_away(container_of(link, struct object, router_link));
    for (struct object *o = r->objects; o != NULL; o = o->hh.next)
        go_away(o);
}

void sockets_trim_all(struct realm *r)
{
    TABLE_TRIM(hh, r->sockets);
    socket_tags_trim(r);
}

size_t sockets_left(const struct realm *r)
{
    return r->sockets_left;
}
