#include "net/conn_state.h"

#include <stdint.h>

#include "base/must.h"

#define TO(s)      (1u << CONN_##s)
#define ROW(s, to) [CONN_##s] = {#s, (to)}

static const struct {
    const char *name;
    uint32_t allowed; /* bit set of next states */
} states[CONN_STATE_COUNT] = {
    ROW(READ_HEAD, TO(READ_BODY) | TO(HANDLE) | TO(WRITE) | TO(CLOSING)),
    ROW(READ_BODY, TO(HANDLE) | TO(WRITE) | TO(CLOSING)),
    ROW(HANDLE, TO(WRITE) | TO(CLOSING)),
    ROW(WRITE, TO(READ_HEAD) | TO(DRAIN) | TO(LINGER) | TO(CLOSING)),
    ROW(DRAIN, TO(READ_HEAD) | TO(LINGER) | TO(CLOSING)),
    ROW(LINGER, TO(CLOSING)),
    ROW(CLOSING, 0),
};

#undef ROW
#undef TO

bool conn_state_allows(enum conn_state from, enum conn_state to)
{
    return (states[from].allowed & (1u << to)) != 0;
}

void conn_state_move(enum conn_state *state, enum conn_state to)
{
    MUST(conn_state_allows(*state, to));
    *state = to;
}

const char *conn_state_name(enum conn_state state)
{
    return states[state].name;
}
