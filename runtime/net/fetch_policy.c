#include "net/fetch_policy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { MAPPED_BITS = 96, TEXT_MAX = 64 };

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

static const char *const private_ranges[] = {
    "0.0.0.0/8",      "10.0.0.0/8",    "100.64.0.0/10", "127.0.0.0/8",
    "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",  "192.168.0.0/16",
    "198.18.0.0/15",  "224.0.0.0/4",   "240.0.0.0/4",   "::/128",
    "::1/128",        "fc00::/7",      "fe80::/10",     "fec0::/10",
    "ff00::/8",       "64:ff9b:1::/48"};

static void map(const void *ipv4, uint8_t out[16])
{
    memcpy(out, mapped, sizeof(mapped));
    memcpy(out + sizeof(mapped), ipv4, 4);
}

/* Ways to write an IPv4 address in IPv6 that lead to it: compatible (RFC 4291),
 * NAT64 (RFC 6052), 6to4 (RFC 3056). */
static void unwrap(uint8_t address[16])
{
    static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};
    static const uint8_t compatible[12] = {0};
    uint8_t ipv4[4];

    if (memcmp(address, nat64, 12) == 0 ||
        (memcmp(address, compatible, 12) == 0 && address[12] != 0))
        memcpy(ipv4, address + 12, 4);
    else if (address[0] == 0x20 && address[1] == 0x02)
        memcpy(ipv4, address + 2, 4);
    else
        return;
    map(ipv4, address);
}

/* "address" or "address/bits"; the bits of an IPv4 one count from its start. */
static int parse(struct slice range, struct fetch_rule *out)
{
    char text[TEXT_MAX];
    uint8_t ipv4[4];
    long most = 128, bits = 0;

    if (range.n == 0 || range.n >= sizeof(text) ||
        memchr(range.p, '\0', range.n) != NULL)
        return ERR_INVALID;
    memcpy(text, range.p, range.n);
    text[range.n] = '\0';
    char *slash = strchr(text, '/');

    if (slash != NULL)
        *slash = '\0';
    if (inet_pton(AF_INET, text, ipv4) == 1) {
        map(ipv4, out->address);
        most = 32;
    } else if (inet_pton(AF_INET6, text, out->address) != 1) {
        return ERR_INVALID;
    }
    bits = most;
    if (slash != NULL) {
        char *end = NULL;

        bits = strtol(slash + 1, &end, 10);
        if (slash[1] < '0' || slash[1] > '9' || *end != '\0' || bits > most)
            return ERR_INVALID;
    }
    out->bits = (uint8_t)(bits + (most == 32 ? MAPPED_BITS : 0));
    return 0;
}

static void push(struct fetch_policy *p, struct fetch_rule rule)
{
    p->rules = mem_realloc(p->rules, (p->count + 1) * sizeof(*p->rules));
    p->rules[p->count++] = rule;
}

static void add_private(struct fetch_policy *p, enum fetch_rule_kind kind)
{
    size_t n = sizeof(private_ranges) / sizeof(private_ranges[0]);

    for (size_t i = 0; i < n; i++)
        fetch_policy_add(p, kind, slice_of(private_ranges[i]), NULL);
}

int fetch_policy_add(struct fetch_policy *p, enum fetch_rule_kind kind,
                     struct slice range, struct error *err)
{
    struct fetch_rule rule = {.kind = (uint8_t)kind};

    if (slice_eq(range, SLICE("private"))) {
        add_private(p, kind);
        return 0;
    }
    if (parse(range, &rule) != 0)
        return error_set(err, ERR_INVALID,
                         "expected an address, a range such as '10.0.0.0/8' "
                         "or 'private', got '%.*s'",
                         (int)range.n, range.p);
    push(p, rule);
    return 0;
}

void fetch_policy_fini(struct fetch_policy *p)
{
    free(p->rules);
    *p = (struct fetch_policy){0};
}

static bool covers(const struct fetch_rule *rule, const uint8_t address[16])
{
    int whole = rule->bits / 8, rest = rule->bits % 8;

    if (memcmp(rule->address, address, (size_t)whole) != 0)
        return false;
    return rest == 0 ||
           (rule->address[whole] ^ address[whole]) >> (8 - rest) == 0;
}

bool fetch_policy_allows(const struct fetch_policy *p,
                         const struct sockaddr *address)
{
    uint8_t bytes[16];
    bool is_denied = false;

    if (p == NULL || p->count == 0)
        return true;
    if (address->sa_family == AF_INET) {
        map(&((const struct sockaddr_in *)(const void *)address)->sin_addr,
            bytes);
    } else if (address->sa_family == AF_INET6) {
        memcpy(bytes,
               &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr,
               sizeof(bytes));
        unwrap(bytes);
    } else {
        return false;
    }
    for (size_t i = 0; i < p->count; i++) {
        if (!covers(&p->rules[i], bytes))
            continue;
        if (p->rules[i].kind == FETCH_ALLOW)
            return true;
        is_denied = true;
    }
    return !is_denied;
}
