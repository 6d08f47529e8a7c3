/* socket_out.c - what goes to the peer: through the gate, and kept while there
 * is no peer yet. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "object/object.h"
#include "object/socket_inside.h"

/* So much may wait for a peer; past it the socket is lost.  One message always
 * may. */
enum { WAITING_BYTES_MAX = 16 * 1024 * 1024 };

/* In the gate: a message, or a close with its reason, for one or more. */
struct held {
    struct gate_item gate;
    struct packet *packet; /* held */
    int code;              /* of a close; 0: a message */
    size_t count;
    struct socket *to[]; /* held */
};

/* Waits for a peer. */
struct waiting {
    struct list link;
    struct packet *packet; /* held */
    int code;              /* as above */
};

/* ---- without a peer ---- */

static struct waiting *shift_waiting(struct socket *s)
{
    struct list *link = s->more == NULL ? NULL : list_shift(&s->more->waiting);

    return link == NULL ? NULL : container_of(link, struct waiting, link);
}

static void free_waiting(struct waiting *w)
{
    packet_drop(w->packet);
    free(w);
}

void socket_forget_waiting(struct socket *s)
{
    struct waiting *w;

    while ((w = shift_waiting(s)) != NULL)
        free_waiting(w);
    socket_trim_more(s);
}

/* The connection is given up, and the script told. */
static void lose(struct socket *s)
{
    const struct socket_news close = {
        .kind = SOCKET_CLOSE,
        .code = CLOSE_LOST,
        .bytes = SLICE("WebSocket disconnected without sending Close frame.")};

    socket_hold(s);
    socket_tell(s, &close);
    socket_cut(s);
    socket_drop(s);
}

static void wait_for_peer(struct socket *s, struct packet *p, int code)
{
    struct socket_more *m = socket_need_more(s);
    struct waiting *w = mem_zalloc(sizeof(*w));

    w->packet = packet_hold(p);
    w->code = code;
    list_push(&m->waiting, &w->link);
    bool is_first = m->waiting_bytes == 0;

    m->waiting_bytes += p->n + sizeof(*w);
    if (m->waiting_bytes > WAITING_BYTES_MAX && !is_first)
        lose(s);
}

/* ---- to the peer ---- */

void socket_pass(struct socket *s, struct packet *p)
{
    if (s->ops != NULL)
        s->ops->send(s->peer, p);
    else if (!s->is_over)
        wait_for_peer(s, p, 0);
}

static void pass_close(struct socket *s, int code, struct packet *reason)
{
    if (s->has_closed)
        return;
    if (s->ops != NULL) {
        s->has_closed = true;
        s->ops->close(s->peer, code, (struct slice){reason->bytes, reason->n});
    } else if (!s->is_over) {
        wait_for_peer(s, reason, code);
    }
}

void socket_flush(struct socket *s)
{
    struct waiting *w;

    while ((w = shift_waiting(s)) != NULL) {
        if (w->code == 0)
            socket_pass(s, w->packet);
        else
            pass_close(s, w->code, w->packet);
        free_waiting(w);
    }
    socket_trim_more(s);
}

/* ---- the gate ---- */

static void on_release(struct gate_item *item, const struct error *failure)
{
    struct held *h = container_of(item, struct held, gate);

    for (size_t i = 0; i < h->count; i++) {
        struct socket *s = h->to[i];

        s->held--;
        if (failure == NULL && h->code == 0)
            socket_pass(s, h->packet);
        else if (failure == NULL)
            pass_close(s, h->code, h->packet);
        else if (h->code != 0)
            lose(s); /* or it would stay, closed for the script alone */
        socket_drop(s);
    }
    packet_drop(h->packet);
    free(h);
}

static void hold_back(struct object *o, struct packet *p, int code,
                      struct socket *const *to, size_t count)
{
    struct held *h = mem_alloc(sizeof(*h) + count * sizeof(struct socket *));

    *h = (struct held){.gate.release = on_release,
                       .packet = packet_hold(p),
                       .code = code,
                       .count = count};
    list_init(&h->gate.link);
    for (size_t i = 0; i < count; i++) {
        h->to[i] = socket_hold(to[i]);
        to[i]->held++;
    }
    object_send(o, &h->gate);
}

void socket_hold_back(struct object *o, struct packet *p,
                      struct socket *const *to, size_t count)
{
    hold_back(o, p, 0, to, count);
}

/* Nothing is before it: neither a commit nor what waits for one. */
static bool may_pass(const struct socket *s)
{
    return s->held == 0 &&
           (s->object == NULL || object_has_nothing_to_wait_for(s->object));
}

void socket_push(struct socket *s, struct packet *p)
{
    if (may_pass(s))
        socket_pass(s, p);
    else if (s->object != NULL)
        hold_back(s->object, p, 0, &s, 1);
}

void socket_push_close(struct socket *s, int code, struct slice reason)
{
    struct packet *p = packet_new(reason, false);

    if (may_pass(s))
        pass_close(s, code, p);
    else if (s->object != NULL)
        hold_back(s->object, p, code, &s, 1);
    packet_drop(p);
}

/* ---- the script's ---- */

void socket_send(struct socket *s, struct packet *p)
{
    if (s->object == NULL || s->state != SOCKET_OPEN)
        return;
    s->object->sent += p->n;
    socket_push(s, p);
}

void socket_close(struct socket *s, int code, struct slice reason)
{
    if (s->state != SOCKET_OPEN)
        return;
    s->state = SOCKET_CLOSING;
    if (s->object != NULL)
        socket_push_close(s, code, reason);
}
