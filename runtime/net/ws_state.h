/*
 * ws_state.h - life of one websocket, as a table.
 *
 *   OPEN --> CLOSE_SENT --+--> OVER --> CLOSED
 *     +----> CLOSE_GOT ---+
 *
 *   OPEN        messages go both ways
 *   CLOSE_SENT  our close frame is on its way, the peer's has not come
 *   CLOSE_GOT   the peer's close frame has come, ours is to be sent
 *   OVER        nothing more is said; the owner learns how it ended, what is
 *               unsent leaves, the peer reads it and closes
 *   CLOSED      the socket is being closed; freed after that
 *
 * Each but CLOSED may also go straight to OVER (broken, failed) or CLOSED.
 */
#ifndef NET_WS_STATE_H
#define NET_WS_STATE_H

#include <stdbool.h>
#include <stdint.h>

enum ws_state {
    WS_STATE_OPEN,
    WS_STATE_CLOSE_SENT,
    WS_STATE_CLOSE_GOT,
    WS_STATE_OVER,
    WS_STATE_CLOSED,
    WS_STATE_COUNT,
};

bool ws_state_allows(enum ws_state from, enum ws_state to);
/* Aborts on a move that the table does not allow.  `state` is an enum ws_state
 * in little room. */
void ws_state_move(uint8_t *state, enum ws_state to);

#endif
