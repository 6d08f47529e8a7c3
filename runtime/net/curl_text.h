/*
 * curl_text.h - libcurl's failures in the runtime's words.
 */
#ifndef NET_CURL_TEXT_H
#define NET_CURL_TEXT_H

#include "base/err.h"
#include "base/slice.h"
#include "net/transfer.h"

/* Where a URL leads.  Slices borrow from the URL. */
struct curl_place {
    bool is_tls;            /* its scheme is https */
    struct slice authority; /* "host:81" as written, without a user's name */
    struct slice host;      /* with its brackets if it is an IPv6 address */
    struct slice port;      /* as written, or the scheme's */
};

/* Take `url` apart, whatever it is. */
struct curl_place curl_place_of(struct slice url);

/* What "host:port" of a curl_place is in a printf format. */
#define CURL_PLACE "%.*s:%.*s"
#define CURL_PLACE_ARGS(place)                                                 \
    (int)(place).host.n, (place).host.p, (int)(place).port.n, (place).port.p

/* Set `err` to what failed in `t` with `rc`, and where; after a redirect that
 * is the place it led to.  Returns ERR_TIMEOUT, ERR_INVALID (no URL of http or
 * https), ERR_PROTO or ERR_IO. */
int curl_text(const struct transfer *t, CURLcode rc, struct error *err);

#endif
