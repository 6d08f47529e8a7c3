#include "net/listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/must.h"

enum { BACKLOG = 4096, SILENT_MS = 60000, HOST_MAX = 64 };

static int invalid(struct error *err, const char *address)
{
    return error_set(err, ERR_INVALID,
                     "expected an address such as 127.0.0.1:8787 or "
                     "[::1]:8787, got \"%s\"",
                     address);
}

static int read_port(const char *text)
{
    char *end = NULL;
    long port = strtol(text, &end, 10);

    if (*text < '0' || *text > '9' || *end != '\0' || port > 65535)
        return -1;
    return (int)port;
}

static int read_address(const char *text, struct sockaddr_storage *out,
                        struct error *err)
{
    const char *colon = strrchr(text, ':');
    size_t n = colon == NULL ? 0 : (size_t)(colon - text);
    int port = colon == NULL ? -1 : read_port(colon + 1);
    char host[HOST_MAX];

    if (port < 0 || n == 0 || n >= sizeof(host))
        return invalid(err, text);
    bool is_ipv6 = text[0] == '[' && text[n - 1] == ']';

    memcpy(host, text + is_ipv6, n - (is_ipv6 ? 2 : 0));
    host[n - (is_ipv6 ? 2 : 0)] = '\0';
    int rc = is_ipv6 ? uv_ip6_addr(host, port, (struct sockaddr_in6 *)out)
                     : uv_ip4_addr(host, port, (struct sockaddr_in *)out);
    return rc == 0 ? 0 : invalid(err, text);
}

/* Connections inherit TCP_NODELAY, which saves a call for each. */
static int set_options(int fd)
{
    const int on = 1;

    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0)
        return ERR_IO;
    return 0;
}

static int bind_socket(const struct sockaddr_storage *at, const char *text,
                       int *out, struct error *err)
{
    bool is_ipv6 = at->ss_family == AF_INET6;
    socklen_t n =
        is_ipv6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    int fd =
        socket(at->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    *out = fd;
    if (fd >= 0 && set_options(fd) == 0 &&
        bind(fd, (const struct sockaddr *)at, n) == 0 &&
        listen(fd, BACKLOG) == 0)
        return 0;
    int code = errno == EADDRINUSE ? ERR_BUSY : ERR_IO;

    error_set(err, code, "cannot listen on %s: %s", text, strerror(errno));
    if (fd >= 0)
        close(fd);
    return code;
}

/* Out of descriptors, mostly: libuv turns the connection away, we go on. */
static void log_failure(struct listener *l, int status)
{
    uint64_t now = uv_now(l->tcp.loop);

    if (now < l->silent_until)
        return;
    l->silent_until = now + SILENT_MS;
    logger_printf(l->logger, LOG_ERROR, "cannot accept connections: %s",
                  uv_strerror(status));
}

static void on_connection(uv_stream_t *stream, int status)
{
    struct listener *l = container_of(stream, struct listener, tcp);

    if (status < 0)
        log_failure(l, status);
    else
        l->is_held = !l->accept(l);
}

void listener_resume(struct listener *l)
{
    if (l->is_held)
        l->is_held = !l->accept(l);
}

int listener_open(struct listener *l, uv_loop_t *loop, const char *address,
                  struct error *err)
{
    struct sockaddr_storage at = {0};
    int fd = -1;
    int rc = read_address(address, &at, err);

    if (rc == 0)
        rc = bind_socket(&at, address, &fd, err);
    if (rc != 0)
        return rc;
    l->is_held = false;
    l->silent_until = 0;
    uv_tcp_init(loop, &l->tcp);
    /* Neither fails on a socket that listens already. */
    MUST(uv_tcp_open(&l->tcp, fd) == 0);
    MUST(uv_listen((uv_stream_t *)&l->tcp, BACKLOG, on_connection) == 0);
    return 0;
}

static void read_name(const struct listener *l, struct sockaddr_storage *out)
{
    int n = sizeof(*out);

    memset(out, 0, sizeof(*out));
    uv_tcp_getsockname(&l->tcp, (struct sockaddr *)out, &n);
}

int listener_port(const struct listener *l)
{
    struct sockaddr_storage at;

    read_name(l, &at);
    return ntohs(at.ss_family == AF_INET6
                     ? ((struct sockaddr_in6 *)&at)->sin6_port
                     : ((struct sockaddr_in *)&at)->sin_port);
}

void listener_name(const struct listener *l, struct buf *out)
{
    char host[HOST_MAX] = "";
    struct sockaddr_storage at;
    bool is_ipv6;

    read_name(l, &at);
    is_ipv6 = at.ss_family == AF_INET6;
    if (is_ipv6)
        uv_ip6_name((struct sockaddr_in6 *)&at, host, sizeof(host));
    else
        uv_ip4_name((struct sockaddr_in *)&at, host, sizeof(host));
    buf_printf(out, is_ipv6 ? "[%s]:%d" : "%s:%d", host, listener_port(l));
}
