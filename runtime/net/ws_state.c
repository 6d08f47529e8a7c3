#include "net/ws_state.h"

#include "base/must.h"

#define TO(s)      (1u << WS_STATE_##s)
#define ROW(s, to) [WS_STATE_##s] = (to)

/* Bit sets of next states. */
static const uint32_t allowed[WS_STATE_COUNT] = {
    ROW(OPEN, TO(CLOSE_SENT) | TO(CLOSE_GOT) | TO(OVER) | TO(CLOSED)),
    ROW(CLOSE_SENT, TO(OVER) | TO(CLOSED)),
    ROW(CLOSE_GOT, TO(OVER) | TO(CLOSED)),
    ROW(OVER, TO(CLOSED)),
    ROW(CLOSED, 0),
};

#undef ROW
#undef TO

bool ws_state_allows(enum ws_state from, enum ws_state to)
{
    return (allowed[from] & (1u << to)) != 0;
}

void ws_state_move(uint8_t *state, enum ws_state to)
{
    MUST(ws_state_allows((enum ws_state) * state, to));
    *state = (uint8_t)to;
}
