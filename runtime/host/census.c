#include "host/census.h"

#include "host/node_parts.h"
#include "net/server.h"
#include "net/websocket.h"

uint32_t census_others(void *worker)
{
    struct worker *w = worker;
    uint32_t count = ws_hub_count(w->hub);

    for (int i = 0; i < node_worker_count(w->node); i++) {
        const struct worker *other = node_worker_at(w->node, i);

        if (other != w)
            count += atomic_load(&other->census.count);
    }
    return count;
}

static void wake_full(struct worker *w)
{
    for (int i = 0; i < node_worker_count(w->node); i++) {
        struct worker *other = node_worker_at(w->node, i);

        if (other != w && atomic_load(&other->census.is_full))
            worker_send(other, letter_new(LETTER_ROOM, w));
    }
}

void census_say(struct worker *w)
{
    uint32_t count = server_connections(w->server) + ws_hub_count(w->hub);
    uint32_t before = atomic_load(&w->census.count);

    if (count != before)
        atomic_store(&w->census.count, count);
    if (count < before)
        wake_full(w);
    bool is_full = server_is_full(w->server);

    if (is_full != atomic_load(&w->census.is_full))
        atomic_store(&w->census.is_full, is_full);
    /* After having said so: what has ended since then is counted here, what
     * ends later wakes us. */
    if (is_full)
        server_resume(w->server);
}
