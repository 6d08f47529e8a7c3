#include "host/tickets.h"

#include <stdlib.h>

#include "base/mem.h"
#include "host/sockets.h"
#include "host/worker.h"
#include "object/socket.h"

/* Always by letter: the caller may be on any thread, in the midst of anything
 * that the socket's object does. */
static void drop(struct ticket *t)
{
    uint64_t socket;
    struct worker *home = tickets_take(t, &socket);
    struct letter *l = letter_new(LETTER_TICKET, NULL);

    l->socket = socket;
    worker_send(home, l);
}

struct ticket *tickets_new(void *host, struct socket *s)
{
    struct ticket *t = mem_alloc(sizeof(*t));

    *t = (struct ticket){host, s->number, drop};
    return t;
}

struct worker *tickets_take(struct ticket *t, uint64_t *socket)
{
    struct worker *home = t->host;

    *socket = t->socket;
    free(t);
    return home;
}

void tickets_receive(struct worker *w, const struct letter *l)
{
    struct socket *s = sockets_find(w, l->socket);

    if (s != NULL)
        socket_on_gone(s, SOCKETS_LOST, sockets_lost_text(), false);
}
