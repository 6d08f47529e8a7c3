#include "net/tunnel.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

enum {
    PIECES_AT_ONCE = 32, /* then others of the loop have their turn */
};

/* One direction. */
struct flow {
    struct buf bytes; /* read and not yet taken; freed when all are */
    size_t at;        /* of them the first that is not taken */
    bool has_ended;   /* nothing more will be read */
    bool is_shut;     /* and whoever it goes to was told */
};

struct tunnel {
    struct transfer *transfer;
    struct outbound *outbound;
    int near_fd, far_fd; /* ours of the pair; libcurl's */
    struct flow up;      /* near to far */
    struct flow down;
    uv_poll_t near_poll, far_poll;
    uv_timer_t linger;
    int handles; /* not yet closed */
};

enum moved { MOVED_SOME, MOVED_NONE, MOVED_END, MOVED_LOST };

static bool is_waiting(const struct flow *f)
{
    return f->at != f->bytes.n;
}

/* ---- Bytes at either side ---- */

static enum moved far_result(CURLcode rc, size_t n)
{
    if (rc == CURLE_OK && n != 0)
        return MOVED_SOME;
    return rc == CURLE_AGAIN ? MOVED_NONE : MOVED_LOST;
}

static enum moved far_read(struct tunnel *t, char *p, size_t *n)
{
    CURLcode rc = transfer_curl(t->transfer)
                      ->easy_recv(t->transfer->easy, p, TUNNEL_PIECE, n);

    return rc == CURLE_OK && *n == 0 ? MOVED_END : far_result(rc, *n);
}

static enum moved far_write(struct tunnel *t, const char *p, size_t *n)
{
    CURLcode rc =
        transfer_curl(t->transfer)->easy_send(t->transfer->easy, p, *n, n);

    return rc == CURLE_OK && *n == 0 ? MOVED_NONE : far_result(rc, *n);
}

static enum moved near_result(ssize_t rc, size_t *n)
{
    *n = rc < 0 ? 0 : (size_t)rc;
    if (rc > 0)
        return MOVED_SOME;
    if (rc == 0)
        return MOVED_END;
    return errno == EAGAIN || errno == EINTR ? MOVED_NONE : MOVED_LOST;
}

static enum moved near_read(struct tunnel *t, char *p, size_t *n)
{
    return near_result(recv(t->near_fd, p, TUNNEL_PIECE, 0), n);
}

static enum moved near_write(struct tunnel *t, const char *p, size_t *n)
{
    return near_result(send(t->near_fd, p, *n, MSG_NOSIGNAL), n);
}

/* ---- From one side to the other ---- */

typedef enum moved (*read_cb)(struct tunnel *t, char *p, size_t *n);
typedef enum moved (*write_cb)(struct tunnel *t, const char *p, size_t *n);

static enum moved flush(struct tunnel *t, struct flow *f, write_cb write)
{
    while (is_waiting(f)) {
        size_t n = f->bytes.n - f->at;
        enum moved how = write(t, f->bytes.p + f->at, &n);

        if (how != MOVED_SOME)
            return how;
        f->at += n;
    }
    buf_fini(&f->bytes);
    f->at = 0;
    return MOVED_SOME;
}

/* OpenSSL wants a write that was not taken again from the same place, so what
 * is read goes into memory that stays where it is. */
static enum moved fill(struct tunnel *t, struct flow *f, read_cb read)
{
    size_t n = 0;
    enum moved how = read(t, buf_room(&f->bytes, TUNNEL_PIECE), &n);

    f->bytes.n = n;
    f->has_ended = how == MOVED_END;
    return how;
}

/* MOVED_NONE: it has to wait; MOVED_END: all is through; MOVED_SOME: there may
 * be more. */
static enum moved run_flow(struct tunnel *t, struct flow *f, read_cb read,
                           write_cb write)
{
    for (int i = 0; i < PIECES_AT_ONCE; i++) {
        enum moved how = flush(t, f, write);

        if (how == MOVED_SOME && !f->has_ended)
            how = fill(t, f, read);
        else if (how == MOVED_SOME)
            how = MOVED_END;
        if (!is_waiting(f))
            buf_fini(&f->bytes); /* idle: no buffer */
        if (how != MOVED_SOME)
            return how;
    }
    return MOVED_SOME;
}

/* ---- Life ---- */

static void on_closed(uv_handle_t *handle)
{
    struct tunnel *t = handle->data;
    struct outbound *o = t->outbound;

    if (--t->handles != 0)
        return;
    close(t->near_fd);
    buf_fini(&t->up.bytes);
    buf_fini(&t->down.bytes);
    free(t);
    outbound_release(o);
}

static void tunnel_close(void *user)
{
    struct tunnel *t = user;

    if (t->transfer == NULL)
        return;
    uv_close((uv_handle_t *)&t->near_poll, on_closed);
    uv_close((uv_handle_t *)&t->far_poll, on_closed);
    uv_close((uv_handle_t *)&t->linger, on_closed);
    transfer_close(t->transfer);
    t->transfer = NULL;
}

static const struct transfer_handler handler = {.cut = tunnel_close};

static void on_linger(uv_timer_t *timer)
{
    tunnel_close(timer->data);
}

/* The other end is closed, not only shut for writing. */
static bool is_abandoned(const struct tunnel *t)
{
    struct pollfd p = {.fd = t->near_fd};

    return poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR)) != 0;
}

static void shut(struct tunnel *t, struct flow *f, int fd)
{
    if (f->is_shut)
        return;
    f->is_shut = true;
    shutdown(fd, SHUT_WR);
    uv_timer_start(&t->linger, on_linger, TUNNEL_LINGER_MS, 0);
}

static void on_poll(uv_poll_t *poll, int status, int events);

static void watch(uv_poll_t *poll, int events)
{
    if (events == 0)
        uv_poll_stop(poll);
    else
        uv_poll_start(poll, events, on_poll);
}

/* A side is read unless the other one is behind.  What TLS has read ahead
 * makes no socket readable; the loop comes back as soon as `down` may go on
 * because the near end can be written. */
static void watch_both(struct tunnel *t, bool has_more_up, bool has_more_down)
{
    bool is_up = is_waiting(&t->up), is_down = is_waiting(&t->down);

    watch(&t->near_poll, (is_up || t->up.has_ended ? 0 : UV_READABLE) |
                             (is_down || has_more_down ? UV_WRITABLE : 0));
    watch(&t->far_poll, (is_down || t->down.has_ended ? 0 : UV_READABLE) |
                            (is_up || has_more_up ? UV_WRITABLE : 0));
}

static void run(struct tunnel *t)
{
    enum moved up = run_flow(t, &t->up, near_read, far_write);
    enum moved down = run_flow(t, &t->down, far_read, near_write);

    if (up == MOVED_LOST || down == MOVED_LOST ||
        (up == MOVED_END && (down == MOVED_END || is_abandoned(t)))) {
        tunnel_close(t);
        return;
    }
    if (up == MOVED_END)
        shut(t, &t->up, t->far_fd);
    if (down == MOVED_END)
        shut(t, &t->down, t->near_fd);
    watch_both(t, up == MOVED_SOME, down == MOVED_SOME);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    (void)status; /* reading or writing says the same */
    (void)events;
    run(poll->data);
}

/* ---- Opening ---- */

static int add_poll(struct tunnel *t, uv_poll_t *poll, int fd)
{
    int rc = uv_poll_init(outbound_loop(t->outbound), poll, fd);

    poll->data = t;
    t->handles += rc == 0;
    return rc;
}

static int add_handles(struct tunnel *t, struct error *err)
{
    uv_timer_init(outbound_loop(t->outbound), &t->linger);
    outbound_hold(t->outbound);
    t->linger.data = t;
    t->handles = 1;
    int rc = add_poll(t, &t->near_poll, t->near_fd);

    if (rc == 0 && (rc = add_poll(t, &t->far_poll, t->far_fd)) != 0)
        uv_close((uv_handle_t *)&t->near_poll, on_closed);
    if (rc == 0)
        return 0;
    uv_close((uv_handle_t *)&t->linger, on_closed);
    return error_set(err, ERR_IO, "the connection cannot be watched: %s",
                     uv_strerror(rc));
}

int tunnel_open(struct transfer *transfer, int *fd, struct error *err)
{
    int pair[2];

    *fd = -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
                   pair) != 0)
        return error_set(err, ERR_IO, "no pair of sockets: %s",
                         strerror(errno));
    struct tunnel *t = mem_zalloc(sizeof(*t));

    t->outbound = transfer->outbound;
    t->near_fd = pair[0];
    t->far_fd = transfer_socket(transfer);
    int rc = add_handles(t, err);

    if (rc != 0) {
        close(pair[1]); /* what is ours goes when the handles are closed */
        return rc;
    }
    t->transfer = transfer;
    transfer_hand_over(transfer, &handler, t);
    *fd = pair[1];
    run(t);
    return 0;
}
