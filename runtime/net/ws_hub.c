#include <stdlib.h>

#include "base/mem.h"
#include "base/must.h"
#include "net/ws_inside.h"

enum {
    HANDLES = 2, /* timer and idle */
    LINGER_MS = 2000,
    PINGS_MIN = 64, /* in one tick of the timer */
};

static struct websocket *websocket_at(struct list *member)
{
    return container_of(member, struct websocket, member);
}

struct ws_hub *ws_hub_open(const struct ws_hub_config *config)
{
    const uint64_t ms[DEADLINE_KINDS] = {
        [DEADLINE_PING] = config->ping_ms,
        [DEADLINE_CLOSE] = config->close_ms,
        [DEADLINE_LINGER] = LINGER_MS,
    };
    struct ws_hub *h = mem_zalloc(sizeof(*h));

    h->config = *config;
    if (config->random == NULL)
        h->config.random = random_system();
    h->handles = HANDLES;
    h->deflate = ws_deflate_new();
    h->read_buffer = mem_alloc(WS_HUB_READ_SIZE);
    list_init(&h->todo);
    list_init(&h->now);
    list_init(&h->others);
    deadlines_init(&h->deadlines, config->loop, ms, ws_on_deadline);
    uv_idle_init(config->loop, &h->idle);
    return h;
}

static void check_closed(struct ws_hub *h)
{
    if (!h->is_closing || h->handles != 0 || h->count != 0)
        return;
    void (*closed)(void *arg) = h->closed;
    void *arg = h->closed_arg;

    ws_deflate_free(h->deflate);
    buf_fini(&h->scratch);
    free(h->read_buffer);
    free(h);
    closed(arg);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct ws_hub *h = container_of(handle, struct ws_hub, deadlines.timer);

    h->handles--;
    check_closed(h);
}

static void on_idle_closed(uv_handle_t *handle)
{
    struct ws_hub *h = container_of(handle, struct ws_hub, idle);

    h->handles--;
    check_closed(h);
}

/* Each leaves its list, so that whatever `gone` does finds the next. */
static void end_all(struct list *members)
{
    while (!list_empty(members)) {
        struct websocket *w = websocket_at(members->next);

        ws_close_handle(w);
        ws_tell_gone(w);
    }
}

void ws_hub_close(struct ws_hub *h, void (*closed)(void *arg), void *arg)
{
    MUST(!h->is_closing);
    h->is_closing = true;
    h->closed = closed;
    h->closed_arg = arg;
    uv_close((uv_handle_t *)&h->idle, on_idle_closed);
    deadlines_close(&h->deadlines, on_timer_closed);
    end_all(&h->others);
    end_all(&h->now);
    end_all(&h->todo); /* last: from elsewhere they move here */
}

uint32_t ws_hub_count(const struct ws_hub *h)
{
    return h->count;
}

/* Those that were opened together are not to be pinged together for ever. */
static void spread_pings(struct ws_hub *h)
{
    const struct deadlines *ds = &h->deadlines;

    if (h->config.ping_ms != 0)
        h->deadlines.most = (uint32_t)(PINGS_MIN + h->count * 2 * ds->tick_ms /
                                                       h->config.ping_ms);
}

void ws_hub_add(struct ws_hub *h, struct websocket *w)
{
    list_init(&w->member);
    list_push(&h->others, &w->member);
    h->count++;
    spread_pings(h);
}

void ws_hub_remove(struct ws_hub *h)
{
    h->count--;
    spread_pings(h);
    check_closed(h);
}

/* What is put off meanwhile waits for the next iteration. */
static void on_idle(uv_idle_t *idle)
{
    struct ws_hub *h = container_of(idle, struct ws_hub, idle);

    list_join(&h->now, &h->todo);
    while (!list_empty(&h->now)) {
        struct list *member = list_shift(&h->now);

        list_push(&h->others, member);
        ws_attend(websocket_at(member));
    }
    if (list_empty(&h->todo) && !h->is_closing)
        uv_idle_stop(idle);
}

void ws_hub_later(struct websocket *w)
{
    struct ws_hub *h = w->hub;

    if (w->state == WS_STATE_CLOSED)
        return;
    list_unlink(&w->member);
    list_push(&h->todo, &w->member);
    if (!h->is_closing && !uv_is_active((uv_handle_t *)&h->idle))
        uv_idle_start(&h->idle, on_idle);
}

const uint8_t *ws_hub_key(struct websocket *w)
{
    struct ws_hub *h = w->hub;

    if (!ws_is_client(w))
        return NULL;
    if (h->keys_left == 0) {
        random_bytes(h->config.random, h->keys, sizeof(h->keys));
        h->keys_left = WS_HUB_KEYS;
    }
    return h->keys[--h->keys_left];
}

struct buf *ws_hub_scratch(struct ws_hub *h)
{
    if (h->scratch.cap > WS_HUB_SCRATCH_MAX)
        buf_fini(&h->scratch);
    h->scratch.n = 0;
    return &h->scratch;
}
