/*
 * fetch_ask.h - what mk.fetch asks for, and what it becomes with each redirect.
 */
#ifndef NET_FETCH_ASK_H
#define NET_FETCH_ASK_H

#include <stdbool.h>

#include "base/err.h"
#include "base/message.h"
#include "net/fetch_source.h"
#include "net/transfer.h"

struct fetch_ask {
    struct request *request; /* owned: the one that was made */
    struct fetch_source source;
    char *method;    /* owned: of the next hop */
    char *url;       /* owned */
    int redirects;   /* so far */
    bool has_source; /* the next hop has a body */
    bool is_foreign; /* it goes, or went, to another origin */
};

/* Takes over `rq`.  Returns 0, or ERR_INVALID with `err` set (it is
 * initialized all the same). */
int fetch_ask_init(struct fetch_ask *a, struct request *rq, struct error *err);
void fetch_ask_fini(struct fetch_ask *a);

/* Set method, URL, fields and what there is of a body on `t`. */
void fetch_ask_apply(const struct fetch_ask *a, struct transfer *t);

/* A status that sends elsewhere. */
bool fetch_ask_is_redirect(int status);
/* Go to `url` after an answer of such a status.  Returns 0, or ERR_PROTO with
 * `err` set: too many, or a body that is gone would be needed again. */
int fetch_ask_redirect(struct fetch_ask *a, int status, const char *url,
                       struct error *err);

#endif
