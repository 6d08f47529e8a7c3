/*
 * fetch_policy.h - which addresses scripts may reach: fetch.deny and
 * fetch.allow of the configuration.
 *
 * Looked at after name resolution, for each connection, those that a redirect
 * leads to included; so no name can lead where its address may not.  A proxy
 * of the environment is what is looked at when there is one.
 */
#ifndef NET_FETCH_POLICY_H
#define NET_FETCH_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/slice.h"

enum fetch_rule_kind { FETCH_DENY, FETCH_ALLOW };

/* A range of addresses; IPv4 as ::ffff:a.b.c.d. */
struct fetch_rule {
    uint8_t address[16];
    uint8_t bits; /* of it that count, 0..128 */
    uint8_t kind;
};

/* Zero-initialized: all may be reached.  Read by any thread once it is made. */
struct fetch_policy {
    struct fetch_rule *rules; /* owned */
    size_t count;
};

/*
 * Add a range: "10.0.0.0/8", "fd00::/8", one address, or "private" (this host,
 * link-local, RFC 1918, carrier-grade NAT, unique-local, unspecified, multicast
 * and reserved ones).  What FETCH_ALLOW names may be reached whatever
 * FETCH_DENY says.  Returns 0, or ERR_INVALID with `err` set.
 */
int fetch_policy_add(struct fetch_policy *p, enum fetch_rule_kind kind,
                     struct slice range, struct error *err);
void fetch_policy_fini(struct fetch_policy *p);

/* Whether an IPv4 or IPv6 address may be reached; IPv4 ones in any of their
 * forms in IPv6 count as what they are.  `p` NULL: all may. */
bool fetch_policy_allows(const struct fetch_policy *p,
                         const struct sockaddr *address);

#endif
