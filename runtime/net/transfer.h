/*
 * transfer.h - one easy handle of libcurl on the multi handle of an outbound:
 * the inside of net/outbound.h for ws_connect, tunnel and fetch.
 *
 *   transfer_open --> set options --> transfer_start --> over
 *                                          any time: --> transfer_close
 *
 * libcurl may not be entered from its own callbacks, and whoever is told of
 * bytes may do anything; so starting, resuming and closing take effect in the
 * next iteration of the loop.
 */
#ifndef NET_TRANSFER_H
#define NET_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "base/err.h"
#include "base/list.h"
#include "base/random.h"
#include "net/curl_load.h"
#include "net/outbound.h"

struct transfer_handler {
    /* libcurl is done with it: connected, complete, or failed.  At most once,
     * not from within libcurl; may close it. */
    void (*over)(void *user, CURLcode rc);
    /* The outbound closes: must close the transfer. */
    void (*cut)(void *user);
};

enum { TRANSFER_ADDRESS_MAX = 46 };

struct transfer {
    struct list member; /* of the outbound's transfers */
    struct list link;   /* of what the outbound has to do */
    struct outbound *outbound;
    CURL *easy;                /* owned */
    CURLSH *share;             /* owned; NULL: the multi's connections */
    struct curl_slist *fields; /* owned; of the request; NULL for none */
    bool wants_start;          /* of the two things to do: the first ... */
    bool wants_resume;
    bool is_added;  /* to the multi handle */
    bool is_closed; /* by its owner, and about to be freed */
    const struct transfer_handler *handler;
    void *user;
    char text[CURL_ERROR_SIZE];        /* libcurl's of what failed */
    char denied[TRANSFER_ADDRESS_MAX]; /* the address that the policy refused
                                          last; "" for none */
};

enum transfer_kind {
    TRANSFER_REQUEST, /* connections are used again, and shared */
    TRANSFER_CONNECT, /* one connection of its own, kept until closed */
};

/*
 * A new transfer to `url`, of http and https alone, with the certificates that
 * SSL_CERT_FILE, CURL_CA_BUNDLE or the system name.  Next comes
 * transfer_hand_over.  Returns 0, or ERR_IO, ERR_NOMEM or ERR_CLOSED with `err`
 * set.
 */
int transfer_open(struct outbound *o, enum transfer_kind kind, const char *url,
                  struct transfer **out, struct error *err);
/* From now on `handler` (borrowed) is told what happens to it. */
void transfer_hand_over(struct transfer *t,
                        const struct transfer_handler *handler, void *user);
/* Begin it; after `over`, again with what was set anew. */
void transfer_start(struct transfer *t);
/* Go on after a pause in either direction. */
void transfer_resume(struct transfer *t);
/* End it, with its connection if that is its own; `handler` is not called any
 * more.  NULL is allowed. */
void transfer_close(struct transfer *t);
/* libcurl's functions, loaded once there was a transfer. */
const struct curl *transfer_curl(const struct transfer *t);

/* The connection's socket; -1 without one. */
int transfer_socket(const struct transfer *t);

/* For those who have handles of their own on the loop: the outbound is not
 * closed before each hold was released (in the handle's close callback). */
uv_loop_t *outbound_loop(const struct outbound *o);
struct random *outbound_random(const struct outbound *o);
void outbound_hold(struct outbound *o);
void outbound_release(struct outbound *o); /* [may free o] */

#endif
