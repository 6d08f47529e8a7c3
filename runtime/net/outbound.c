#include "net/outbound.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/must.h"
#include "net/outbound_inside.h"

enum { CONNECTIONS_KEPT = 64 }; /* idle ones, of requests */

/* A socket that libcurl wants to be watched. */
struct watch {
    uv_poll_t poll;
    struct outbound *outbound;
    int events; /* that libcurl wants to know of */
};

uv_loop_t *outbound_loop(const struct outbound *o)
{
    return o->loop;
}

struct random *outbound_random(const struct outbound *o)
{
    return o->random;
}

void outbound_hold(struct outbound *o)
{
    o->holds++;
}

void outbound_release(struct outbound *o)
{
    MUST(o->holds != 0);
    if (--o->holds != 0)
        return;
    void (*closed)(void *arg) = o->closed;
    void *arg = o->closed_arg;

    free(o);
    closed(arg);
}

/* ---- What libcurl asks of the loop ---- */

static void report(struct outbound *o)
{
    int left = 0;
    CURLMsg *m = NULL;

    while (o->multi != NULL &&
           (m = o->curl.multi_info_read(o->multi, &left)) != NULL) {
        void *found = NULL;
        CURLcode rc = m->data.result;

        o->curl.easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &found);
        struct transfer *t = found;

        if (t->handler != NULL && t->handler->over != NULL)
            t->handler->over(t->user, rc);
    }
}

static void act(struct outbound *o, curl_socket_t s, int events)
{
    int running = 0;

    o->curl.multi_socket_action(o->multi, s, events, &running);
    report(o);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct watch *w = container_of(poll, struct watch, poll);
    uv_os_fd_t fd = -1;

    /* An error ends the watching; what came before it is still to be read, and
     * then libcurl finds the error itself. */
    if (status < 0) {
        events = w->events;
        uv_poll_start(poll, events, on_ready);
    }
    if (uv_fileno((uv_handle_t *)poll, &fd) == 0)
        act(w->outbound, fd,
            (events & UV_READABLE ? CURL_CSELECT_IN : 0) |
                (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0));
}

static void on_watch_closed(uv_handle_t *handle)
{
    struct watch *w = container_of((uv_poll_t *)handle, struct watch, poll);

    outbound_release(w->outbound);
    free(w);
}

static struct watch *watch_open(struct outbound *o, curl_socket_t s)
{
    struct watch *w = mem_zalloc(sizeof(*w));

    w->outbound = o;
    if (uv_poll_init(o->loop, &w->poll, s) != 0) {
        free(w);
        return NULL;
    }
    outbound_hold(o);
    o->curl.multi_assign(o->multi, s, w);
    return w;
}

static int on_socket(CURL *easy, curl_socket_t s, int what, void *user,
                     void *known)
{
    struct outbound *o = user;
    struct watch *w = known;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (w != NULL)
            uv_close((uv_handle_t *)&w->poll, on_watch_closed);
        return 0;
    }
    if (w == NULL)
        w = watch_open(o, s);
    if (w == NULL)
        return -1;
    w->events = (what & CURL_POLL_IN ? UV_READABLE : 0) |
                (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    return uv_poll_start(&w->poll, w->events, on_ready);
}

static void on_tick(uv_timer_t *timer)
{
    act(container_of(timer, struct outbound, tick), CURL_SOCKET_TIMEOUT, 0);
}

static int on_timeout(CURLM *multi, long ms, void *user)
{
    struct outbound *o = user;

    (void)multi;
    if (uv_is_closing((uv_handle_t *)&o->tick))
        return 0;
    if (ms < 0)
        return uv_timer_stop(&o->tick);
    return uv_timer_start(&o->tick, on_tick, (uint64_t)ms, 0);
}

/* ---- Life ---- */

int outbound_ready(struct outbound *o, struct error *err)
{
    if (o->is_closing)
        return error_set(err, ERR_CLOSED, "outgoing connections are closed");
    int rc = curl_load(&o->curl, err);

    if (rc != 0 || o->multi != NULL)
        return rc;
    o->multi = o->curl.multi_init();
    if (o->multi == NULL)
        return error_set(err, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
    o->curl.multi_setopt(o->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    o->curl.multi_setopt(o->multi, CURLMOPT_SOCKETDATA, o);
    o->curl.multi_setopt(o->multi, CURLMOPT_TIMERFUNCTION, on_timeout);
    o->curl.multi_setopt(o->multi, CURLMOPT_TIMERDATA, o);
    o->curl.multi_setopt(o->multi, CURLMOPT_MAXCONNECTS,
                         (long)CONNECTIONS_KEPT);
    return 0;
}

static void on_own_closed(uv_handle_t *handle)
{
    outbound_release(handle->data);
}

struct outbound *outbound_open(uv_loop_t *loop, struct random *random)
{
    struct outbound *o = mem_zalloc(sizeof(*o));

    o->loop = loop;
    o->random = random;
    list_init(&o->transfers);
    list_init(&o->todo);
    uv_timer_init(loop, &o->tick);
    uv_timer_init(loop, &o->soon);
    o->tick.data = o;
    o->soon.data = o;
    o->holds = 2;
    return o;
}

void outbound_set_policy(struct outbound *o, const struct fetch_policy *policy)
{
    o->policy = policy;
}

/* The last transfer is gone: nobody enters libcurl any more. */
static void finish(struct outbound *o)
{
    if (o->multi != NULL)
        o->curl.multi_cleanup(o->multi); /* lets go of its sockets */
    o->multi = NULL;
    uv_close((uv_handle_t *)&o->tick, on_own_closed);
    uv_close((uv_handle_t *)&o->soon, on_own_closed);
}

static void on_soon(uv_timer_t *timer)
{
    struct outbound *o = container_of(timer, struct outbound, soon);

    transfer_do_all(o);
    report(o);
    if (o->is_closing && list_empty(&o->transfers) &&
        !uv_is_closing((uv_handle_t *)timer))
        finish(o);
}

void outbound_soon(struct outbound *o)
{
    if (!uv_is_active((uv_handle_t *)&o->soon))
        uv_timer_start(&o->soon, on_soon, 0, 0);
}

void outbound_close(struct outbound *o, void (*closed)(void *arg), void *arg)
{
    MUST(!o->is_closing);
    o->is_closing = true;
    o->closed = closed;
    o->closed_arg = arg;
    for (struct list *m = o->transfers.next; m != &o->transfers; m = m->next) {
        struct transfer *t = container_of(m, struct transfer, member);

        if (!t->is_closed)
            t->handler->cut(t->user);
        MUST(t->is_closed);
    }
    if (list_empty(&o->transfers))
        finish(o);
}
