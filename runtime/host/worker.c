#include "host/worker.h"

#include "base/clock.h"
#include "base/logline.h"
#include "base/must.h"
#include "bindings/events.h"
#include "host/asks.h"
#include "host/assets.h"
#include "host/bridge.h"
#include "host/console.h"
#include "host/errand.h"
#include "host/node_parts.h"
#include "host/relay.h"
#include "host/requests.h"
#include "host/sockets.h"
#include "host/tickets.h"
#include "host/worker_still.h"
#include "net/websocket.h"
#include "net/ws_connect.h"
#include "object/socket.h"
#include "object/target.h"
#include "vm/watch.h"

enum {
    DRAIN_ASK_MS = 10,
    CLOSE_MS = 10000,              /* for a closing handshake */
    ASSETS_FRESH_MS = 1000,        /* so long a file is not looked at again */
    MESSAGE_MAX = 32 * 1024 * 1024 /* of a WebSocket */
};

/* So long objects run before sockets are looked at again. */
#define RUN_NS 5000000u
/* ... and so long an answer may wait for others. */
#define ANSWER_NS 250000u

void worker_send(struct worker *w, struct letter *l)
{
    mail_send(&w->inbox, w->is_still ? NULL : &w->async, l);
}

/* ---- running objects ---- */

static void on_idle(uv_idle_t *handle)
{
    (void)handle; /* its being active keeps the poll from blocking */
}

static void run_objects(struct worker *w)
{
    uint64_t start = clock_mono_ns(clock_system());
    bool has_more = true;

    while (has_more && clock_mono_ns(clock_system()) - start < RUN_NS) {
        if (w->realm.is_closing)
            return;
        realm_run(&w->realm, ANSWER_NS);
        store_send(w->store);
        requests_answer(w); /* may bring the next request of a connection */
        has_more = !list_empty(&w->realm.run_queue);
    }
    if (has_more)
        uv_idle_start(&w->idle, on_idle);
    else
        uv_idle_stop(&w->idle);
}

static void on_prepare(uv_prepare_t *handle)
{
    struct worker *w = container_of(handle, struct worker, prepare);

    run_objects(w);
    if (w->realm.is_closing)
        return;
    if (w->server != NULL && w->console == NULL)
        census_say(w);
    quiet_round(&w->quiet);
}

static void on_check(uv_check_t *handle)
{
    run_objects(container_of(handle, struct worker, check));
}

/* ---- the end ---- */

static void close_handles(struct worker *w)
{
    inbox_close(&w->inbox);
    store_detach(w->store);
    w->store = NULL;
    uv_close((uv_handle_t *)&w->async, NULL);
    uv_close((uv_handle_t *)&w->prepare, NULL);
    uv_close((uv_handle_t *)&w->check, NULL);
    uv_close((uv_handle_t *)&w->idle, NULL);
    uv_close((uv_handle_t *)&w->drain, NULL);
    quiet_close(&w->quiet);
}

static void on_end_closed(void *arg)
{
    struct worker *w = arg;

    if (--w->open_ends == 0)
        close_handles(w);
}

static void close_worker(struct worker *w)
{
    requests_answer(w);
    uv_timer_stop(&w->drain); /* it asks what is closed now */
    w->open_ends = 3 + (w->server != NULL) + (w->assets != NULL);
    if (w->server != NULL)
        server_close(w->server, on_end_closed, w);
    if (w->assets != NULL)
        assets_close(w->assets, on_end_closed, w); /* nobody asks any more */
    /* Objects hear of what fails, sockets are cut by their objects. */
    outbound_close(w->outbound, on_end_closed, w);
    realm_close(&w->realm, on_end_closed, w);
    ws_hub_close(w->hub, on_end_closed, w);
}

/* ---- draining ---- */

static bool is_busy(const struct worker *w)
{
    return realm_busy(&w->realm) != 0 || sockets_left(&w->realm) != 0 ||
           ws_hub_count(w->hub) != 0;
}

static void on_drain_ask(uv_timer_t *timer)
{
    struct worker *w = container_of(timer, struct worker, drain);

    if (!w->is_server_drained || is_busy(w) || w->is_drain_told)
        return;
    w->is_drain_told = true;
    uv_timer_stop(timer);
    node_worker_drained(w->node);
}

static void on_server_drained(void *arg)
{
    struct worker *w = arg;

    w->is_server_drained = true;
}

static void drain(struct worker *w)
{
    scheduler_stop(&w->realm.scheduler);
    sockets_go_away(&w->realm);
    if (w->server == NULL)
        w->is_server_drained = true;
    else
        server_drain(w->server, on_server_drained, w);
    uv_timer_start(&w->drain, on_drain_ask, 0, DRAIN_ASK_MS);
}

/* ---- mail ---- */

static void receive(struct worker *w, struct letter *l)
{
    switch (l->kind) {
    case LETTER_CALL:
        bridge_receive_call(w, l);
        break;
    case LETTER_REPLY:
        bridge_receive_reply(w, l);
        break;
    case LETTER_CHASE:
        bridge_receive_chase(w, l);
        break;
    case LETTER_RELAY:
        relay_receive(l);
        break;
    case LETTER_TARGET:
        target_lost(&w->realm, l->target);
        break;
    case LETTER_SOCKET:
        sockets_receive(w, l);
        break;
    case LETTER_TICKET:
        tickets_receive(w, l);
        break;
    case LETTER_LINK:
        links_receive(w, l);
        break;
    case LETTER_ROOM:
        break; /* the loop goes round */
    case LETTER_RELOAD:
        realm_reload(&w->realm, l->code,
                     (uint64_t)node_config(w->node)->limits.drain_ms);
        break;
    case LETTER_ANSWER:
        asks_receive(l->ask);
        break;
    case LETTER_ERRAND:
        errand_receive(w, l);
        break;
    case LETTER_DRAIN:
        drain(w);
        break;
    case LETTER_CLOSE:
        close_worker(w);
        break;
    }
    letter_free(l);
}

void worker_receive(struct worker *w)
{
    struct list letters;
    struct list *link;

    list_init(&letters);
    mail_take(&w->inbox, &letters);
    if (w->store != NULL && !w->realm.is_closing)
        realm_poll_store(&w->realm);
    while ((link = list_shift(&letters)) != NULL)
        receive(w, container_of(link, struct letter, link));
}

static void on_async(uv_async_t *handle)
{
    worker_receive(container_of(handle, struct worker, async));
}

/* Called from the log thread. */
static void on_store_news(void *arg)
{
    struct worker *w = arg;

    uv_async_send(&w->async);
}

/* ---- beginning ---- */

static void init_loop(struct worker *w)
{
    MUST(uv_loop_init(&w->loop) == 0);
    MUST(uv_async_init(&w->loop, &w->async, on_async) == 0);
    uv_prepare_init(&w->loop, &w->prepare);
    uv_prepare_start(&w->prepare, on_prepare);
    uv_check_init(&w->loop, &w->check);
    uv_check_start(&w->check, on_check);
    uv_idle_init(&w->loop, &w->idle);
    uv_timer_init(&w->loop, &w->drain);
    quiet_init(&w->quiet, &w->loop, &w->realm);
    inbox_init(&w->inbox);
}

/* Scheduler's predicate. */
static bool is_mine(void *arg, const struct oid *id)
{
    struct worker *w = arg;

    return node_worker_of(w->node, id) == w;
}

struct realm_config worker_realm_config(struct worker *w)
{
    const struct config *c = node_config(w->node);
    const struct limits *l = &c->limits;

    return (struct realm_config){
        .clock = node_clock(w->node),
        .random = node_random(w->node),
        .store = w->store,
        .script = &bind_script_ops,
        .host = node_host(w->node),
        .host_arg = w,
        .limits = {.idle_ms = (uint64_t)l->idle_ms,
                   .mailbox = (uint64_t)l->mailbox,
                   .fetches = (uint64_t)l->fetch_connections,
                   .memory_bytes = (size_t)l->memory_mb << 20,
                   .cpu_ns = (uint64_t)l->cpu_ms * 1000000,
                   .call_ns = (uint64_t)l->call_ms * 1000000,
                   .slice_ns = (uint64_t)l->slice_ms * 1000000},
        .code = node_code(w->node),
        .vars = buf_slice(&c->vars),
        .alarms = {.is_off = node_is_private(w->node),
                   .directory = store_directory(node_store(w->node)),
                   .is_mine = is_mine,
                   .arg = w,
                   .rate = (uint64_t)l->alarm_rate}};
}

static void init_realm(struct worker *w)
{
    struct realm_config config = worker_realm_config(w);

    config.loop = &w->loop;
    console_set_realm(w->console, &config);
    realm_init(&w->realm, &config);
}

static void open_hub(struct worker *w)
{
    const struct limits *l = &node_config(w->node)->limits;
    struct ws_hub_config config = {.loop = &w->loop,
                                   .clock = clock_system(),
                                   .ping_ms = (uint64_t)l->ping_ms,
                                   .close_ms = CLOSE_MS,
                                   .buffer_bytes = (size_t)l->socket_buffer_mb
                                                   << 20,
                                   .message_bytes = MESSAGE_MAX};

    w->hub = ws_hub_open(&config);
    w->outbound = outbound_open(&w->loop, random_system());
    outbound_set_policy(w->outbound, &node_config(w->node)->fetch);
}

/* Who develops changes files and looks at once. */
static void open_assets(struct worker *w)
{
    struct assets_config config = {
        .loop = &w->loop,
        .folder = node_config(w->node)->assets,
        .logger = node_logger(w->node),
        .fresh_ms = node_mode_of(w->node) == NODE_DEV ? 0 : ASSETS_FRESH_MS};

    if (config.folder != NULL && w->console == NULL)
        w->assets = assets_open(&config);
}

static int open_server(struct worker *w, const char *address, struct error *err)
{
    const struct config *c = node_config(w->node);
    struct server_config config = {.loop = &w->loop,
                                   .handler = requests_net_handler(w),
                                   .clock = clock_system(),
                                   .logger = node_logger(w->node),
                                   .address = address,
                                   .body_bytes = c->limits.body_mb << 20,
                                   .header_ms = (uint64_t)c->limits.header_ms,
                                   .keepalive_ms =
                                       (uint64_t)c->limits.keepalive_ms,
                                   .connections = census_limit(w->node),
                                   .others = census_others};

    console_set_server(w->console, &config);
    return server_open(&config, &w->server, err);
}

int worker_init(struct worker *w, struct node *n, int index,
                const char *address, struct error *err)
{
    w->node = n;
    w->index = index;
    list_init(&w->answered);
    if (node_mode_of(n) == NODE_STILL) {
        worker_still_init(w);
        return 0;
    }
    init_loop(w);
    w->store = store_attach(node_store(n), on_store_news, w);
    init_realm(w);
    open_hub(w);
    if (node_is_private(n))
        return 0;
    open_assets(w);
    return open_server(w, address, err);
}

static void run(void *arg)
{
    struct worker *w = arg;
    struct watch *watch;
    struct error err;

    if (watch_open(&watch, &err) != 0)
        logger_printf(node_logger(w->node), LOG_WARN,
                      "scripts run at half speed: %s", err.text);
    w->realm.config.watch = watch;
    uv_run(&w->loop, UV_RUN_DEFAULT);
    w->realm.config.watch = NULL;
    watch_close(watch);
}

void worker_start(struct worker *w)
{
    MUST(uv_thread_create(&w->thread, run, w) == 0);
}

void worker_join(struct worker *w)
{
    uv_thread_join(&w->thread);
    MUST(uv_loop_close(&w->loop) == 0);
}

void worker_settle(struct worker *w)
{
    inbox_settle(&w->inbox);
}

void worker_fini(struct worker *w)
{
    inbox_fini(&w->inbox);
}
