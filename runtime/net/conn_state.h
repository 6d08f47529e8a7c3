/*
 * conn_state.h - life of one client connection, as a table.
 *
 *   READ_HEAD --> READ_BODY --> HANDLE --> WRITE --> READ_HEAD  (keep-alive)
 *       |             |           |          |
 *       |             |           |          +--> DRAIN --> READ_HEAD
 *       |             |           |          |      |
 *       |             |           |          +------+--> LINGER
 *       +-------------+-----------+----------+------+------+--> CLOSING
 *
 *   READ_HEAD  no request, or a part of its head
 *   READ_BODY  the handler has the request, its body is still coming
 *   HANDLE     the handler has all of the request and has not answered
 *   WRITE      the response is leaving; the request's body may still come
 *   DRAIN      the response has left before the request's body was there
 *   LINGER     nothing more is said; wait for the peer to read it and close
 *   CLOSING    the socket is being closed; freed after that
 */
#ifndef NET_CONN_STATE_H
#define NET_CONN_STATE_H

#include <stdbool.h>

enum conn_state {
    CONN_READ_HEAD,
    CONN_READ_BODY,
    CONN_HANDLE,
    CONN_WRITE,
    CONN_DRAIN,
    CONN_LINGER,
    CONN_CLOSING,
    CONN_STATE_COUNT,
};

bool conn_state_allows(enum conn_state from, enum conn_state to);
/* Aborts on a move that the table does not allow. */
void conn_state_move(enum conn_state *state, enum conn_state to);
/* "READ_HEAD"; static. */
const char *conn_state_name(enum conn_state state);

#endif
