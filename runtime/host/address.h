/*
 * address.h - `A:P` as users write it: A a numeric IPv4 address, an IPv6 one
 * in brackets, or localhost, and P 0..65535.
 */
#ifndef HOST_ADDRESS_H
#define HOST_ADDRESS_H

#include <stdbool.h>

#include "base/err.h"

/* Only this machine can reach `text`, which is normalized. */
bool address_is_loopback(const char *text);
/* Check `text` and write it, "localhost" made numeric, as an owned string to
 * `*out`, in place of what is there.  ERR_INVALID: `*out` is as it was. */
int address_normalize(const char *text, char **out, struct error *err);

/* `address`, which is normalized, with another port; owned by the caller. */
char *address_with_port(const char *address, int port);

/*
 * Whether a server may take `text`, which is normalized: ERR_BUSY when another
 * process listens there, ERR_IO when the system refuses for another reason.
 * Listeners share their port among workers (SO_REUSEPORT), so that without
 * this a second server of the same user would silently get half the requests.
 */
int address_check_free(const char *text, struct error *err);

#endif
