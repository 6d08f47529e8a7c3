#include "host/worker_still.h"

#include "host/node_parts.h"
#include "host/requests.h"

void worker_still_init(struct worker *w)
{
    w->is_still = true;
    inbox_init(&w->inbox);
    w->store = store_attach(node_store(w->node), NULL, NULL);
    struct realm_config config = worker_realm_config(w);

    /* A slice is over when the processor's time is; nothing depends on that
     * here. */
    config.limits.slice_ns = 0;
    config.alarms.is_steady = true;
    config.arena = node_stage(w->node)->arena;
    config.hash_seed = node_stage(w->node)->hash_seed;
    realm_init(&w->realm, &config);
}

static void closed(void *arg)
{
    (void)arg;
}

void worker_still_fini(struct worker *w)
{
    realm_close(&w->realm, closed, NULL);
    inbox_close(&w->inbox);
    store_detach(w->store);
    w->store = NULL;
    inbox_fini(&w->inbox);
}

static bool has_mail(struct worker *w)
{
    return !list_empty(&w->inbox.letters);
}

bool worker_still_run(struct worker *w, uint64_t turns)
{
    timers_run(&w->realm.timers);
    worker_receive(w);
    bool is_busy = realm_run(&w->realm, turns);

    store_send(w->store);
    requests_answer(w);
    return is_busy || has_mail(w) || worker_still_next_ms(w) == 0;
}

bool worker_still_sync(struct worker *w)
{
    int n = store_pump(node_store(w->node));

    realm_poll_store(&w->realm);
    return n != 0;
}

int64_t worker_still_next_ms(struct worker *w)
{
    uint64_t due = timers_next_ns(&w->realm.timers);
    uint64_t now = clock_mono_ns(w->realm.config.clock);

    if (due == UINT64_MAX)
        return -1;
    return due <= now ? 0 : (int64_t)((due - now + 999999) / 1000000);
}
