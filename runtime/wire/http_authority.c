#include "wire/http_authority.h"

#include <arpa/inet.h>
#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* RFC 3986: unreserved and sub-delims. */
static bool is_name_char(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           c == '.' || c == '-' ||
           (c != '\0' && strchr("_~!$&'()*+,;=", c) != NULL);
}

static bool is_name(struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (is_name_char(s.p[i]))
            continue;
        if (s.p[i] != '%' || s.n - i < 3 || !is_hex(s.p[i + 1]) ||
            !is_hex(s.p[i + 2]))
            return false;
        i += 2;
    }
    return s.n != 0;
}

static bool is_ipv6(struct slice s)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;

    if (s.n >= sizeof(text) || memchr(s.p, '\0', s.n) != NULL)
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    return inet_pton(AF_INET6, text, &address) == 1;
}

static bool is_port(struct slice s)
{
    int port = 0;

    if (s.n == 0 || s.n > 5)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (!is_digit(s.p[i]))
            return false;
        port = port * 10 + (s.p[i] - '0');
    }
    return port <= 65535;
}

bool http_authority_is_valid(struct slice s)
{
    bool is_bracketed = s.n != 0 && s.p[0] == '[';
    const char *end =
        s.n == 0 ? NULL : memchr(s.p, is_bracketed ? ']' : ':', s.n);
    struct slice host = s;

    if (is_bracketed) {
        if (end == NULL)
            return false;
        host = (struct slice){s.p + 1, (size_t)(end - s.p) - 1};
        end++;
    } else if (end != NULL) {
        host.n = (size_t)(end - s.p);
    } else {
        return is_name(host);
    }
    struct slice rest = {end, s.n - (size_t)(end - s.p)};

    if (rest.n != 0 &&
        (rest.p[0] != ':' || !is_port((struct slice){end + 1, rest.n - 1})))
        return false;
    return is_bracketed ? is_ipv6(host) : is_name(host);
}
