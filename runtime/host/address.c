#include "host/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"

/* A socket address of either family. */
union sockaddr_any {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
};

/* 0..65535, or -1. */
static int to_port(const char *text)
{
    char *end = NULL;
    long port = strtol(text, &end, 10);
    bool is_number = text[0] >= '0' && text[0] <= '9' && *end == '\0';

    return is_number && port <= 65535 ? (int)port : -1;
}

/* `host[0..n)` into `*out`; an IPv6 address is in brackets. */
static bool to_host(const char *host, size_t n, union sockaddr_any *out)
{
    char text[INET6_ADDRSTRLEN + 1];
    bool is_six = n > 2 && host[0] == '[' && host[n - 1] == ']';
    size_t size = is_six ? n - 2 : n;

    if (size == 0 || size >= sizeof(text))
        return false;
    memcpy(text, is_six ? host + 1 : host, size);
    text[size] = '\0';
    out->any.sa_family = is_six ? AF_INET6 : AF_INET;
    return is_six ? inet_pton(AF_INET6, text, &out->six.sin6_addr) == 1
                  : inet_pton(AF_INET, text, &out->four.sin_addr) == 1;
}

static bool to_sockaddr(const char *text, union sockaddr_any *out)
{
    const char *colon = strrchr(text, ':');
    int port = colon == NULL ? -1 : to_port(colon + 1);

    *out = (union sockaddr_any){0};
    if (port < 0 || !to_host(text, (size_t)(colon - text), out))
        return false;
    if (out->any.sa_family == AF_INET6)
        out->six.sin6_port = htons((uint16_t)port);
    else
        out->four.sin_port = htons((uint16_t)port);
    return true;
}

int address_normalize(const char *text, char **out, struct error *err)
{
    static const char local[] = "localhost:";
    size_t n = sizeof(local) - 1;
    bool is_local = strncmp(text, local, n) == 0;
    union sockaddr_any unused;
    struct buf full = {0};

    buf_printf(&full, "%s%s", is_local ? "127.0.0.1:" : "",
               is_local ? text + n : text);
    buf_add_byte(&full, '\0');
    if (!to_sockaddr(full.p, &unused)) {
        buf_fini(&full);
        return error_set(err, ERR_INVALID,
                         "an address such as 127.0.0.1:8787 or [::1]:8787 "
                         "expected, got '%s'",
                         text);
    }
    free(*out);
    *out = full.p;
    return 0;
}

bool address_is_loopback(const char *text)
{
    union sockaddr_any at;

    if (!to_sockaddr(text, &at))
        return false;
    if (at.any.sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&at.six.sin6_addr);
    return ntohl(at.four.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

/* Connections that are still closing do not count (SO_REUSEADDR). */
static int try_bind(const union sockaddr_any *at)
{
    const int on = 1;
    socklen_t n =
        at->any.sa_family == AF_INET6 ? sizeof(at->six) : sizeof(at->four);
    int fd = socket(at->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    int failure = bind(fd, &at->any, n) == 0 ? 0 : errno;
    close(fd);
    return failure;
}

int address_check_free(const char *text, struct error *err)
{
    union sockaddr_any at;

    if (!to_sockaddr(text, &at))
        return error_set(err, ERR_INVALID, "not an address: %s", text);
    int failure = try_bind(&at);
    if (failure == 0)
        return 0;
    return error_set(err, failure == EADDRINUSE ? ERR_BUSY : ERR_IO,
                     "cannot listen on %s: %s", text, strerror(failure));
}

char *address_with_port(const char *address, int port)
{
    const char *colon = strrchr(address, ':');
    struct buf out = {0};

    buf_printf(&out, "%.*s:%d", colon == NULL ? 0 : (int)(colon - address),
               address, port);
    buf_add_byte(&out, '\0');
    return out.p;
}
