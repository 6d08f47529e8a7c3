#include "host/frames.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/err.h"
#include "host/row.h"

int frames_address(const char *folder, struct sockaddr_un *out, int *fd)
{
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    *fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*fd < 0)
        return ERR_NOT_FOUND;
    snprintf(out->sun_path, sizeof(out->sun_path),
             "/proc/self/fd/%d/" FRAMES_SOCKET, *fd);
    return 0;
}

void frames_add(struct buf *out, struct slice row)
{
    row_join(out, row);
}

void frames_add_end(struct buf *out, int code, const char *text)
{
    struct buf row = {0};

    row_begin(&row, "end");
    row_add_integer(&row, "code", code);
    row_add_text(&row, "text", slice_of(text));
    frames_add(out, buf_slice(&row));
    buf_fini(&row);
}

int frames_write(int fd, struct slice bytes)
{
    while (bytes.n != 0) {
        ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ERR_CLOSED;
        bytes = (struct slice){bytes.p + n, bytes.n - (size_t)n};
    }
    return 0;
}

int frames_read_bytes(int fd, void *p, size_t n)
{
    char *at = p;

    while (n != 0) {
        ssize_t got = recv(fd, at, n, 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return ERR_TIMEOUT;
        if (got <= 0)
            return 0;
        at += got;
        n -= (size_t)got;
    }
    return 1;
}

int frames_read(int fd, struct buf *row)
{
    unsigned char head[4];
    int rc = frames_read_bytes(fd, head, sizeof(head));

    row->n = 0;
    if (rc != 1)
        return rc;
    size_t n = head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16 |
               (size_t)head[3] << 24;
    if (n > FRAMES_MAX)
        return ERR_PROTO;
    if (n == 0)
        return 1;
    rc = frames_read_bytes(fd, buf_room(row, n), n);
    if (rc == 1)
        row->n = n;
    return rc;
}
