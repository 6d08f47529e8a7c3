#include "host/census.h"

#include <sys/resource.h>

#include "host/node_parts.h"
#include "net/server.h"
#include "net/websocket.h"

/* Descriptors that are no connections of clients: a worker's open databases
 * and requests to elsewhere, and those of the process. */
enum { WORKER_FILES = 1024, PROCESS_FILES = 64 };

uint32_t census_limit(const struct node *n)
{
    uint32_t wanted = (uint32_t)node_config(n)->limits.connections;
    rlim_t others = (rlim_t)node_worker_count(n) * WORKER_FILES + PROCESS_FILES;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
        limit.rlim_cur == RLIM_INFINITY)
        return wanted;
    if (others > limit.rlim_cur / 2)
        others = limit.rlim_cur / 2;
    rlim_t left = limit.rlim_cur - others;

    return left < wanted ? (uint32_t)left : wanted;
}

void census_log(const struct node *n)
{
    uint32_t limit = census_limit(n);

    if (node_mode_of(n) == NODE_SERVE &&
        limit < node_config(n)->limits.connections)
        logger_printf(node_logger(n), LOG_INFO,
                      "%u connections at a time instead of "
                      "limits.connections: the system allows this process too "
                      "few descriptors (ulimit -n)",
                      limit);
}

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
