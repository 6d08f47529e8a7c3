/*
 * ws_load.c - load of WebSocket clients for the bench: one thread, epoll, no
 * code of the runtime.
 *
 *   ws_load echo PORT PATH CONNECTIONS SIZE SECONDS
 *       One message of SIZE bytes under way on each connection.  Prints
 *       "rate N" (echoes a second) and "p50 N" (microseconds).
 *   ws_load hold PORT PATH CONNECTIONS
 *       Opens them, prints "open", then obeys lines of standard input:
 *         broadcast COUNT SIZE   the first connection of each group asks for
 *                                it; prints "frames N seconds S" when each
 *                                connection has got them all
 *         ping GAP_MS COUNT      COUNT connections, one after another with
 *                                GAP_MS between them, send a message and wait
 *                                for its echo; prints "p50 N" (microseconds)
 *         close                  closes all, prints "closed"
 *
 * PATH is a format: its first argument is the number of the connection, its
 * second the number of its group of 20,000.  Each group has a source address
 * of its own in 127.0.0.0/8.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    BUFFER = 256 * 1024,
    EVENTS = 512,
    PER_ADDRESS = 14000 /* half of its ports: the rest the kernel searches */
};

struct client {
    int fd;
    uint64_t sent_ns;
};

struct load {
    int port, epoll;
    const char *path;
    size_t count;
    struct client *clients;
    char *frame; /* what echo and ping send */
    size_t frame_n;
    size_t echo_n; /* bytes of the echo */
};

static char buffer[BUFFER];

static void fail(const char *what)
{
    fprintf(stderr, "ws_load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- frames: masked, with a key of zeros ---- */

static size_t head_size(size_t n)
{
    return n < 126 ? 2 : 4;
}

static size_t make_frame(char *out, const char *text, size_t n)
{
    size_t at = 0;

    out[at++] = (char)0x81;
    if (n < 126) {
        out[at++] = (char)(0x80 | n);
    } else {
        out[at++] = (char)(0x80 | 126);
        out[at++] = (char)(n >> 8);
        out[at++] = (char)n;
    }
    memset(out + at, 0, 4);
    memcpy(out + at + 4, text, n);
    return at + 4 + n;
}

static void send_all(int fd, const char *p, size_t n)
{
    while (n != 0) {
        ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);

        if (sent < 0 && errno != EINTR)
            fail("send");
        if (sent > 0) {
            p += sent;
            n -= (size_t)sent;
        }
    }
}

/* ---- connections ---- */

static int connect_one(const struct load *l, size_t number)
{
    struct sockaddr_in from = {.sin_family = AF_INET}, to = from;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    if (fd < 0)
        fail("socket");
    from.sin_addr.s_addr =
        htonl(0x7f000001u + (uint32_t)(number / PER_ADDRESS) * 256);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons((uint16_t)l->port);
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&from, sizeof(from)) != 0)
        fail("bind");
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
        fail("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

static void ask(const struct load *l, int fd, size_t number)
{
    char path[256], head[1024];

    snprintf(path, sizeof(path), l->path, (int)number,
             (int)(number / PER_ADDRESS));
    int n = snprintf(head, sizeof(head),
                     "GET %s HTTP/1.1\r\nHost: localhost\r\n"
                     "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Version: 13\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                     path);
    send_all(fd, head, (size_t)n);
}

/* Byte by byte at the end, so that no frame is taken with it. */
static void read_answer(int fd)
{
    size_t n = 0;

    while (n < 4 || memcmp(buffer + n - 4, "\r\n\r\n", 4) != 0) {
        ssize_t got = recv(fd, buffer + n, 1, 0);

        if (got <= 0 || ++n == BUFFER)
            fail("handshake");
    }
    if (memcmp(buffer, "HTTP/1.1 101", 12) != 0) {
        fprintf(stderr, "ws_load: got %.60s\n", buffer);
        exit(1);
    }
}

/* A few hundred at a time, fewer than the listener's backlog. */
static void open_all(struct load *l)
{
    const size_t batch = 200;

    for (size_t first = 0; first < l->count; first += batch) {
        size_t end = first + batch < l->count ? first + batch : l->count;

        for (size_t i = first; i < end; i++) {
            l->clients[i].fd = connect_one(l, i);
            ask(l, l->clients[i].fd, i);
        }
        for (size_t i = first; i < end; i++) {
            struct epoll_event e = {.events = EPOLLIN, .data.u64 = i};

            read_answer(l->clients[i].fd);
            epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->clients[i].fd, &e);
        }
    }
}

/* What has come on one connection; its end is an error. */
static size_t read_some(int fd)
{
    ssize_t n = recv(fd, buffer, BUFFER, MSG_DONTWAIT);

    if (n < 0 && errno == EAGAIN)
        return 0;
    if (n <= 0)
        fail("connection lost");
    return (size_t)n;
}

/* ---- echo ---- */

static int compare(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static void send_echo(struct load *l, struct client *c)
{
    c->sent_ns = now_ns();
    send_all(c->fd, l->frame, l->frame_n);
}

static void echo(struct load *l, unsigned seconds)
{
    enum { SAMPLES = 1 << 20 };
    uint32_t *samples = malloc(SAMPLES * sizeof(*samples));
    struct epoll_event events[EVENTS];
    uint64_t start = now_ns(), end = start + seconds * 1000000000ull, now;
    size_t count = 0;

    for (size_t i = 0; i < l->count; i++)
        send_echo(l, &l->clients[i]);
    while ((now = now_ns()) < end) {
        int n = epoll_wait(l->epoll, events, EVENTS, 1000);

        for (int i = 0; i < n; i++) {
            struct client *c = &l->clients[events[i].data.u64];

            if (read_some(c->fd) != l->echo_n)
                fail("echo in pieces");
            samples[count++ % SAMPLES] =
                (uint32_t)((now_ns() - c->sent_ns) / 1000);
            send_echo(l, c);
        }
    }
    size_t kept = count < SAMPLES ? count : SAMPLES;

    qsort(samples, kept, sizeof(*samples), compare);
    printf("rate %.0f\np50 %u\n", (double)count * 1e9 / (double)(now - start),
           samples[kept / 2]);
}

/* ---- orders ---- */

static void wait_bytes(struct load *l, uint64_t bytes)
{
    struct epoll_event events[EVENTS];

    while (bytes != 0) {
        int n = epoll_wait(l->epoll, events, EVENTS, 20000);

        if (n == 0)
            fail("nothing comes any more");
        for (int i = 0; i < n; i++) {
            size_t got = read_some(l->clients[events[i].data.u64].fd);

            if (got > bytes)
                fail("more came than was asked for");
            bytes -= got;
        }
    }
}

static void broadcast(struct load *l, const char *order, unsigned count,
                      unsigned size)
{
    char frame[256];
    size_t n = make_frame(frame, order, strcspn(order, "\n"));
    uint64_t frames = (uint64_t)count * l->count, start = now_ns();

    for (size_t i = 0; i < l->count; i += PER_ADDRESS)
        send_all(l->clients[i].fd, frame, n);
    wait_bytes(l, frames * (head_size(size) + size));
    printf("frames %llu seconds %.6f\n", (unsigned long long)frames,
           (double)(now_ns() - start) / 1e9);
}

static void ping(struct load *l, unsigned gap_ms, unsigned count)
{
    uint32_t *samples = malloc(count * sizeof(*samples));

    for (unsigned i = 0; i < count; i++) {
        struct client *c = &l->clients[i % l->count];

        usleep(gap_ms * 1000);
        send_echo(l, c);
        wait_bytes(l, l->echo_n);
        samples[i] = (uint32_t)((now_ns() - c->sent_ns) / 1000);
    }
    qsort(samples, count, sizeof(*samples), compare);
    printf("p50 %u\n", samples[count / 2]);
    free(samples);
}

static void close_all(struct load *l)
{
    static const char frame[] = {(char)0x88, (char)0x82, 0, 0,
                                 0,          0,          3, (char)0xe8};

    for (size_t i = 0; i < l->count; i++)
        send_all(l->clients[i].fd, frame, sizeof(frame));
    for (size_t i = 0; i < l->count; i++) {
        while (recv(l->clients[i].fd, buffer, BUFFER, 0) > 0)
            ;
        close(l->clients[i].fd);
    }
    printf("closed\n");
}

static void obey(struct load *l)
{
    char line[256];
    unsigned a, b;

    printf("open\n");
    while (fflush(stdout), fgets(line, sizeof(line), stdin) != NULL) {
        if (sscanf(line, "broadcast %u %u", &a, &b) == 2)
            broadcast(l, line, a, b);
        else if (sscanf(line, "ping %u %u", &a, &b) == 2)
            ping(l, a, b);
        else if (strcmp(line, "close\n") == 0)
            close_all(l);
    }
}

/* ---- main ---- */

static void raise_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void set_size(struct load *l, size_t n)
{
    char *text = malloc(n + 1);

    memset(text, 'm', n);
    l->frame = malloc(n + 16);
    l->frame_n = make_frame(l->frame, text, n);
    l->echo_n = head_size(n) + n;
    free(text);
}

int main(int argc, char **argv)
{
    struct load l = {0};
    bool is_echo = argc == 7 && strcmp(argv[1], "echo") == 0;

    if (!is_echo && (argc != 5 || strcmp(argv[1], "hold") != 0)) {
        fprintf(stderr, "usage: ws_load echo PORT PATH CONNECTIONS SIZE "
                        "SECONDS | ws_load hold PORT PATH CONNECTIONS\n");
        return 2;
    }
    raise_limit();
    l.port = atoi(argv[2]);
    l.path = argv[3];
    l.count = (size_t)atol(argv[4]);
    l.clients = calloc(l.count, sizeof(*l.clients));
    l.epoll = epoll_create1(EPOLL_CLOEXEC);
    set_size(&l, is_echo ? (size_t)atol(argv[5]) : 16);
    open_all(&l);
    if (is_echo)
        echo(&l, (unsigned)atoi(argv[6]));
    else
        obey(&l);
    return 0;
}
