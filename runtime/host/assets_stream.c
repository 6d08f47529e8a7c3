#include "host/assets_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"

enum { PIECE = 64 * 1024 };

struct assets_file {
    unsigned refs;
    int fd;
    uv_loop_t *loop;
    uv_fs_t closing;
    void (*closed)(void *arg);
    void *arg;
};

struct stream {
    uv_work_t work;
    struct assets_file *file; /* held */
    struct body *body;        /* the writer's reference */
    int64_t at, left;
    bool is_busy; /* a piece is being read or written */
    struct buf piece;
    size_t size; /* asked for */
    ssize_t got;
};

struct assets_file *assets_stream_file(uv_loop_t *loop, int fd,
                                       void (*closed)(void *arg), void *arg)
{
    struct assets_file *f = mem_zalloc(sizeof(*f));

    *f = (struct assets_file){
        .refs = 1, .fd = fd, .loop = loop, .closed = closed, .arg = arg};
    return f;
}

static void on_closed(uv_fs_t *request)
{
    struct assets_file *f = container_of(request, struct assets_file, closing);
    void (*closed)(void *arg) = f->closed;
    void *arg = f->arg;

    uv_fs_req_cleanup(request);
    free(f);
    closed(arg);
}

void assets_stream_drop(struct assets_file *f)
{
    if (--f->refs != 0)
        return;
    MUST(uv_fs_close(f->loop, &f->closing, f->fd, on_closed) == 0);
}

static void stream_free(struct stream *s)
{
    body_on_writable(s->body, NULL, NULL);
    body_drop(s->body);
    assets_stream_drop(s->file);
    free(s);
}

/* In the pool. */
static void read_piece(uv_work_t *work)
{
    struct stream *s = container_of(work, struct stream, work);

    do {
        s->got = pread(s->file->fd, s->piece.p, s->size, (off_t)s->at);
    } while (s->got < 0 && errno == EINTR);
}

static void after_piece(uv_work_t *work, int status);

static void next_piece(struct stream *s)
{
    s->is_busy = true;
    s->size = s->left < PIECE ? (size_t)s->left : PIECE;
    buf_room(&s->piece, s->size);
    MUST(uv_queue_work(s->file->loop, &s->work, read_piece, after_piece) == 0);
}

static void after_piece(uv_work_t *work, int status)
{
    struct stream *s = container_of(work, struct stream, work);
    struct body *b = s->body;

    (void)status;
    if (s->got > 0) {
        s->at += s->got;
        s->left -= s->got;
        s->piece.n = (size_t)s->got;
        body_give(b, &s->piece);
    } else {
        body_fail(b, ERR_IO);
    }
    buf_fini(&s->piece);
    s->is_busy = false;
    if (s->left == 0)
        body_end(b);
    if (body_is_over(b) || body_is_abandoned(b))
        stream_free(s);
    else if (!body_is_full(b))
        next_piece(s);
}

static void on_writable(struct body *b, void *arg)
{
    struct stream *s = arg;

    if (s->is_busy)
        return;
    if (body_is_abandoned(b))
        stream_free(s);
    else
        next_piece(s);
}

struct body *assets_stream_body(struct assets_file *f, int64_t at, int64_t n)
{
    struct stream *s = mem_zalloc(sizeof(*s));

    f->refs++;
    *s = (struct stream){.file = f, .body = body_new(n), .at = at, .left = n};
    body_on_writable(s->body, on_writable, s);
    struct body *b = body_hold(s->body);

    next_piece(s);
    return b;
}
