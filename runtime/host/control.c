#include "host/control.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/must.h"
#include "host/frames.h"
#include "host/question.h"

enum { ASK_SECONDS = 10, SEND_BYTES = 16 * 1024, BACKLOG = 64 };
#define SEND_NS 20000000u /* so long a row waits for others */

struct control {
    struct node *node;
    int folder;   /* descriptor */
    int listener; /* socket */
    int stop;     /* eventfd */
    uv_thread_t thread;
    uv_mutex_t mutex; /* calls' fd and is_over */
    struct list calls;
    size_t call_count;
};

struct call {
    struct list link;
    struct control *control;
    uv_thread_t thread;
    int fd;
    bool is_over; /* the thread can be joined */
    struct buf out;
    uint64_t sent_ns;
};

/* ---- one question ---- */

static int send_all(struct call *c)
{
    int rc = frames_write(c->fd, buf_slice(&c->out));

    c->out.n = 0;
    c->sent_ns = clock_mono_ns(clock_system());
    return rc;
}

static int on_row(void *arg, struct slice row)
{
    struct call *c = arg;

    frames_add(&c->out, row);
    if (c->out.n < SEND_BYTES &&
        clock_mono_ns(clock_system()) - c->sent_ns < SEND_NS)
        return 0;
    return send_all(c);
}

static int on_flush(void *arg)
{
    struct call *c = arg;

    return c->out.n == 0 ? 0 : send_all(c);
}

static int read_question(struct call *c, struct buf *asked, struct error *err)
{
    char magic[FRAMES_MAGIC_N];

    if (frames_read_bytes(c->fd, magic, sizeof(magic)) != 1)
        return error_set(err, ERR_CLOSED, "no question came");
    if (memcmp(magic, FRAMES_MAGIC, sizeof(magic)) != 0)
        return error_set(err, ERR_PROTO,
                         "the server is of another version than the command");
    if (frames_read(c->fd, asked) != 1)
        return error_set(err, ERR_CLOSED, "no question came");
    return 0;
}

static void attend(void *arg)
{
    struct call *c = arg;
    struct buf asked = {0};
    struct error err = {0};
    int rc = read_question(c, &asked, &err);

    if (rc == 0)
        rc = question_answer(c->control->node, buf_slice(&asked),
                             (struct answer){on_row, on_flush, c}, &err);
    frames_add_end(&c->out, rc, rc == 0 ? "" : err.text);
    send_all(c);
    buf_fini(&asked);
    buf_fini(&c->out);
    uv_mutex_lock(&c->control->mutex);
    close(c->fd);
    c->fd = -1;
    c->is_over = true;
    uv_mutex_unlock(&c->control->mutex);
}

/* ---- all of them ---- */

static void join(struct control *control, struct call *c)
{
    uv_thread_join(&c->thread);
    list_unlink(&c->link);
    control->call_count--;
    free(c);
}

static void join_finished(struct control *control)
{
    struct list *link = control->calls.next;

    while (link != &control->calls) {
        struct call *c = container_of(link, struct call, link);

        link = link->next;
        uv_mutex_lock(&control->mutex);
        bool is_over = c->is_over;
        uv_mutex_unlock(&control->mutex);
        if (is_over)
            join(control, c);
    }
}

static void refuse(int fd, const char *text)
{
    struct buf out = {0};

    frames_add_end(&out, ERR_BUSY, text);
    frames_write(fd, buf_slice(&out));
    buf_fini(&out);
    close(fd);
}

static void begin(struct control *control, int fd)
{
    struct timeval patience = {.tv_sec = ASK_SECONDS};

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    join_finished(control);
    if (control->call_count >= CONTROL_MAX) {
        refuse(fd, "too many commands ask this server at once");
        return;
    }
    struct call *c = mem_zalloc(sizeof(*c));

    c->control = control;
    c->fd = fd;
    list_push(&control->calls, &c->link);
    control->call_count++;
    MUST(uv_thread_create(&c->thread, attend, c) == 0);
}

static void listen_on(void *arg)
{
    struct control *c = arg;
    struct pollfd fds[] = {{.fd = c->listener, .events = POLLIN},
                           {.fd = c->stop, .events = POLLIN}};

    while (fds[1].revents == 0) {
        if (poll(fds, 2, -1) <= 0 || fds[0].revents == 0)
            continue;
        int fd = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC);

        if (fd >= 0)
            begin(c, fd);
        else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM)
            poll(&fds[1], 1, 100); /* it would be reported again at once */
    }
}

/* ---- beginning and end ---- */

/* Made for its owner alone: the mode of the socket is that of the descriptor
 * when it is bound. */
static int bind_socket(struct control *c, const struct sockaddr_un *address)
{
    unlinkat(c->folder, FRAMES_SOCKET, 0);
    if (fchmod(c->listener, S_IRUSR | S_IWUSR) != 0 ||
        bind(c->listener, (const struct sockaddr *)address, sizeof(*address)) !=
            0 ||
        fchmodat(c->folder, FRAMES_SOCKET, S_IRUSR | S_IWUSR, 0) != 0)
        return ERR_IO;
    return listen(c->listener, BACKLOG) == 0 ? 0 : ERR_IO;
}

static void free_control(struct control *c)
{
    if (c->listener >= 0)
        close(c->listener);
    if (c->stop >= 0)
        close(c->stop);
    if (c->folder >= 0)
        close(c->folder);
    uv_mutex_destroy(&c->mutex);
    free(c);
}

int control_start(struct node *n, const char *folder, struct control **out,
                  struct error *err)
{
    struct control *c = mem_zalloc(sizeof(*c));
    struct sockaddr_un address;

    *out = NULL;
    c->node = n;
    list_init(&c->calls);
    MUST(uv_mutex_init(&c->mutex) == 0);
    int rc = frames_address(folder, &address, &c->folder);
    c->stop = eventfd(0, EFD_CLOEXEC);
    c->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (rc != 0 || c->stop < 0 || c->listener < 0 ||
        bind_socket(c, &address) != 0) {
        error_set(err, ERR_IO, "%s/" FRAMES_SOCKET ": %s", folder,
                  strerror(errno));
        free_control(c);
        return ERR_IO;
    }
    MUST(uv_thread_create(&c->thread, listen_on, c) == 0);
    *out = c;
    return 0;
}

/* Reading and writing on it fail from here on. */
static void hang_up(struct control *control)
{
    struct list *link;

    uv_mutex_lock(&control->mutex);
    for (link = control->calls.next; link != &control->calls;
         link = link->next) {
        struct call *c = container_of(link, struct call, link);

        if (c->fd >= 0)
            shutdown(c->fd, SHUT_RDWR);
    }
    uv_mutex_unlock(&control->mutex);
}

void control_stop(struct control *c)
{
    const uint64_t one = 1;

    if (c == NULL)
        return;
    MUST(write(c->stop, &one, sizeof(one)) == sizeof(one));
    uv_thread_join(&c->thread);
    unlinkat(c->folder, FRAMES_SOCKET, 0);
    hang_up(c);
    for (struct list *link; (link = list_first(&c->calls)) != NULL;)
        join(c, container_of(link, struct call, link));
    free_control(c);
}
