/* socket_peer.c - what the peer of a socket, which is the host's, says. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "object/object.h"
#include "object/socket_inside.h"

int socket_attach(struct socket *s, const struct peer_ops *ops, void *peer,
                  struct slice protocol, const char *extensions)
{
    if (s->object == NULL || s->is_over || s->ops != NULL)
        return ERR_CLOSED;
    s->ops = ops;
    s->peer = peer;
    s->realm->sockets_left++;
    if (protocol.n != 0) {
        free(s->protocol);
        s->protocol = mem_dup(protocol.p, protocol.n);
    }
    s->extensions = extensions;
    if (ops->is_connection)
        socket_hide(s);
    socket_pace(s);
    socket_flush(s);
    if (s->realm->is_going_away)
        socket_close(s, CLOSE_GOING_AWAY, (struct slice){0});
    return 0;
}

/* ---- messages ---- */

/* Whether the message was answered without the script. */
static bool answer(struct socket *s, struct slice bytes)
{
    const struct sockets *all = s->object->sockets;
    const struct packet *request = all->auto_request;

    if (request == NULL ||
        !slice_eq(bytes, (struct slice){request->bytes, request->n}))
        return false;
    s->auto_ms = clock_wall_ms(s->realm->config.clock);
    if (s->state != SOCKET_OPEN)
        return true;
    /* Past the gate, but never past what the script has sent. */
    if (s->held == 0)
        socket_pass(s, all->auto_response);
    else
        socket_push(s, all->auto_response);
    return true;
}

void socket_on_message(struct socket *s, bool is_binary, struct slice bytes)
{
    if (s->object == NULL || s->is_over)
        return;
    if (s->mode == SOCKET_HIBERNATABLE && !is_binary && answer(s, bytes))
        return;
    socket_tell(s, &(struct socket_news){.kind = SOCKET_MESSAGE,
                                         .is_binary = is_binary,
                                         .bytes = bytes});
    socket_count(s, bytes.n);
}

/* ---- the end ---- */

void socket_on_error(struct socket *s, struct slice text)
{
    socket_tell(s, &(struct socket_news){.kind = SOCKET_ERROR, .bytes = text});
}

void socket_on_closing(struct socket *s, int code, struct slice reason)
{
    s->peer_is_closing = true;
    /* The script has let go of it already: nobody else will answer. */
    if (s->object == NULL) {
        socket_push_close(s, code, (struct slice){0});
        return;
    }
    socket_tell(s, &(struct socket_news){.kind = SOCKET_CLOSE,
                                         .was_clean = true,
                                         .code = code,
                                         .bytes = reason});
}

void socket_on_gone(struct socket *s, int code, struct slice reason,
                    bool was_clean)
{
    socket_hold(s);
    if (s->ops != NULL) {
        s->ops = NULL;
        s->peer = NULL;
        s->realm->sockets_left--;
    }
    socket_forget_waiting(s);
    socket_hide(s);
    socket_tell(s, &(struct socket_news){.kind = SOCKET_CLOSE,
                                         .was_clean = was_clean,
                                         .code = code,
                                         .bytes = reason});
    socket_drop(s);
}
