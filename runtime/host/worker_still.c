#include "host/worker_still.h"

#include "base/must.h"
#include "host/assets.h"
#include "host/node_parts.h"
#include "host/requests.h"

static void open_assets(struct worker *w)
{
    struct assets_config config = {.loop = &w->loop,
                                   .folder = node_config(w->node)->assets,
                                   .logger = node_logger(w->node)};

    if (config.folder == NULL)
        return;
    MUST(uv_loop_init(&w->loop) == 0);
    w->assets = assets_open(&config);
}

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
    open_assets(w);
}

static void closed(void *arg)
{
    (void)arg;
}

void worker_still_files(struct worker *w)
{
    if (w->assets != NULL)
        uv_run(&w->loop, UV_RUN_DEFAULT);
}

static void close_assets(struct worker *w)
{
    if (w->assets == NULL)
        return;
    worker_still_files(w);
    assets_close(w->assets, closed, NULL);
    w->assets = NULL;
    uv_run(&w->loop, UV_RUN_DEFAULT);
    MUST(uv_loop_close(&w->loop) == 0);
}

void worker_still_fini(struct worker *w)
{
    close_assets(w);
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
