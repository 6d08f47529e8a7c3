#include "host/links.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/packet.h"
#include "host/node_parts.h"
#include "host/sockets.h"
#include "host/tickets.h"
#include "object/socket.h"
#include "object/timer.h"

enum { TRY_AGAIN_LATER = 1013 };

/* A message that waits for credit. */
struct link_wait {
    struct list link;
    struct packet *packet; /* held */
};

struct link_end {
    UT_hash_handle hh;     /* worker.links, by number */
    uint64_t number;       /* of the socket at this end */
    uint64_t other;        /* of the one at the other */
    struct socket *socket; /* held */
    struct worker *here, *there;
    int64_t credit; /* bytes that may be sent; below 0 after a long one */
    struct list unsent;
    size_t unsent_bytes;
    size_t taken;       /* came since we last gave credit */
    bool is_paused;     /* the socket wants no messages */
    bool is_failed;     /* too much was unsent */
    int close_code;     /* of our close; 0: none yet */
    bool is_close_sent; /* false: it waits behind what is unsent */
    struct buf close_reason;
    struct timer patience; /* with the other's close */
};

static size_t weight(size_t n)
{
    return n + LINKS_OVERHEAD;
}

/* ---- letters ---- */

static struct letter *letter_of(const struct link_end *e, enum link_step step)
{
    struct letter *l = letter_new(LETTER_LINK, e->here);

    l->step = step;
    l->socket = e->other;
    l->peer = e->number;
    return l;
}

static void send_message(struct link_end *e, const struct packet *p)
{
    struct letter *l = letter_of(e, LINK_MESSAGE);

    l->is_binary = p->is_binary;
    buf_add(&l->data, p->bytes, p->n);
    e->credit -= (int64_t)weight(p->n);
    worker_send(e->there, l);
}

static void send_close(struct link_end *e)
{
    struct letter *l = letter_of(e, LINK_CLOSE);

    l->status = e->close_code;
    buf_add_slice(&l->data, buf_slice(&e->close_reason));
    e->is_close_sent = true;
    worker_send(e->there, l);
}

static void send_gone(const struct link_end *e, int code, struct slice reason,
                      bool was_clean)
{
    struct letter *l = letter_of(e, LINK_GONE);

    l->status = code;
    l->was_clean = was_clean;
    buf_add_slice(&l->data, reason);
    worker_send(e->there, l);
}

static void give_credit(struct link_end *e)
{
    if (e->is_paused || e->taken < LINKS_WINDOW / 2)
        return;
    struct letter *l = letter_of(e, LINK_CREDIT);

    l->credit = e->taken;
    e->taken = 0;
    worker_send(e->there, l);
}

/* ---- life ---- */

static void drop_unsent(struct link_end *e)
{
    struct list *link;

    while ((link = list_shift(&e->unsent)) != NULL) {
        struct link_wait *wait = container_of(link, struct link_wait, link);

        packet_drop(wait->packet);
        free(wait);
    }
    e->unsent_bytes = 0;
}

static struct link_end *new_end(struct worker *here, struct socket *s,
                                struct worker *there, uint64_t other)
{
    struct link_end *e = mem_zalloc(sizeof(*e));

    e->number = s->number;
    e->other = other;
    e->socket = socket_hold(s);
    e->here = here;
    e->there = there;
    e->credit = LINKS_WINDOW;
    list_init(&e->unsent);
    HASH_ADD(hh, here->links, number, sizeof(e->number), e);
    return e;
}

static void free_end(struct link_end *e)
{
    HASH_DEL(e->here->links, e);
    timer_stop(&e->patience);
    drop_unsent(e);
    buf_fini(&e->close_reason);
    socket_drop(e->socket);
    free(e);
}

/* The socket has no peer any more. */
static void end(struct link_end *e, int code, struct slice reason,
                bool was_clean)
{
    struct socket *s = socket_hold(e->socket);

    free_end(e);
    socket_on_gone(s, code, reason, was_clean);
    socket_drop(s);
}

/* ---- the socket's side ---- */

static void flush(struct link_end *e)
{
    struct list *link;

    while (e->credit > 0 && (link = list_shift(&e->unsent)) != NULL) {
        struct link_wait *wait = container_of(link, struct link_wait, link);

        e->unsent_bytes -= weight(wait->packet->n);
        send_message(e, wait->packet);
        packet_drop(wait->packet);
        free(wait);
    }
    if (list_empty(&e->unsent) && e->close_code != 0 && !e->is_close_sent)
        send_close(e);
}

static void hold_back(struct link_end *e, struct packet *p)
{
    const struct limits *l = &node_config(e->here->node)->limits;
    struct link_wait *wait = mem_alloc(sizeof(*wait));

    bool is_first = list_empty(&e->unsent);

    wait->packet = packet_hold(p);
    list_init(&wait->link);
    list_push(&e->unsent, &wait->link);
    e->unsent_bytes += weight(p->n);
    if (is_first || e->unsent_bytes <= (size_t)l->socket_buffer_mb << 20)
        return;
    /* By a letter to ourselves: the socket may not be called from here. */
    struct letter *failed = letter_new(LETTER_LINK, e->there);

    failed->step = LINK_FAILED;
    failed->socket = e->number;
    failed->peer = e->other;
    e->is_failed = true;
    drop_unsent(e);
    worker_send(e->here, failed);
}

static void peer_send(void *peer, struct packet *p)
{
    struct link_end *e = peer;

    if (e->is_failed || e->close_code != 0)
        return;
    if (e->credit > 0 && list_empty(&e->unsent))
        send_message(e, p);
    else
        hold_back(e, p);
}

/* The other does not answer our close: it is taken for answered, unless it
 * never got there. */
static void on_patience_over(struct timer *t)
{
    struct link_end *e = container_of(t, struct link_end, patience);

    if (e->is_close_sent) {
        send_gone(e, e->close_code, (struct slice){0}, true);
        end(e, e->close_code, (struct slice){0}, true);
    } else {
        send_gone(e, SOCKETS_LOST, sockets_lost_text(), false);
        end(e, SOCKETS_LOST, sockets_lost_text(), false);
    }
}

static void peer_close(void *peer, int code, struct slice reason)
{
    struct link_end *e = peer;

    if (e->is_failed || e->close_code != 0)
        return;
    e->close_code = code;
    buf_add_slice(&e->close_reason, reason);
    timer_start(&e->here->realm.timers, &e->patience, LINKS_CLOSE_MS,
                on_patience_over);
    flush(e);
}

static void peer_cut(void *peer)
{
    struct link_end *e = peer;

    send_gone(e, SOCKETS_LOST, sockets_lost_text(), false);
    free_end(e);
}

static void peer_want(void *peer, bool is_wanted)
{
    struct link_end *e = peer;

    e->is_paused = !is_wanted;
    give_credit(e);
}

static const struct peer_ops ops = {
    .send = peer_send, .close = peer_close, .cut = peer_cut, .want = peer_want};

/* ---- coupling ---- */

void links_couple(void *host, struct socket *s, struct ticket *t)
{
    struct worker *w = host;
    uint64_t other;

    struct worker *there = tickets_take(t, &other);
    struct link_end *e = new_end(w, s, there, other);

    /* Before what the socket has to send. */
    worker_send(there, letter_of(e, LINK_COUPLE));
    if (socket_attach(s, &ops, e, (struct slice){0}, "") != 0)
        peer_cut(e);
}

static void on_couple(struct worker *w, const struct letter *l)
{
    struct socket *s = sockets_find(w, l->socket);

    if (s == NULL) {
        const struct link_end nobody = {
            .number = l->socket, .other = l->peer, .here = w, .there = l->from};

        send_gone(&nobody, SOCKETS_LOST, sockets_lost_text(), false);
        return;
    }
    struct link_end *e = new_end(w, s, l->from, l->peer);

    if (socket_attach(s, &ops, e, (struct slice){0}, "") != 0)
        peer_cut(e);
}

/* ---- the other end's letters ---- */

static void on_message(struct link_end *e, const struct letter *l)
{
    e->taken += weight(l->data.n);
    socket_on_message(e->socket, l->is_binary, buf_slice(&l->data));
    give_credit(e);
}

static void on_credit(struct link_end *e, const struct letter *l)
{
    e->credit += (int64_t)l->credit;
    flush(e);
}

/* The one that has sent and got a close ends both. */
static void on_close(struct link_end *e, const struct letter *l)
{
    if (e->close_code == 0) {
        socket_on_closing(e->socket, l->status, buf_slice(&l->data));
        return;
    }
    send_gone(e, e->close_code, buf_slice(&e->close_reason), true);
    end(e, l->status, buf_slice(&l->data), true);
}

static void on_failed(struct link_end *e)
{
    const struct slice text = SLICE("the peer does not read: more than "
                                    "limits.socket_buffer_mb waited for it");

    socket_on_error(e->socket, text);
    send_gone(e, TRY_AGAIN_LATER, text, false);
    end(e, TRY_AGAIN_LATER, text, false);
}

static struct link_end *find_end(struct worker *w, const struct letter *l)
{
    struct link_end *e = NULL;

    HASH_FIND(hh, w->links, &l->socket, sizeof(l->socket), e);
    return e != NULL && e->other == l->peer && e->there == l->from ? e : NULL;
}

void links_receive(struct worker *w, const struct letter *l)
{
    if (l->step == LINK_COUPLE) {
        on_couple(w, l);
        return;
    }
    struct link_end *e = find_end(w, l);

    if (e == NULL)
        return; /* this end was cut meanwhile */
    switch (l->step) {
    case LINK_COUPLE:
        break;
    case LINK_CREDIT:
        on_credit(e, l);
        break;
    case LINK_MESSAGE:
        on_message(e, l);
        break;
    case LINK_CLOSE:
        on_close(e, l);
        break;
    case LINK_GONE:
        end(e, l->status, buf_slice(&l->data), l->was_clean);
        break;
    case LINK_FAILED:
        on_failed(e);
        break;
    }
}
