/*
 * fetch_source.h - the body of an outgoing request: complete, and then it can
 * be sent more than once, or still being written.
 */
#ifndef NET_FETCH_SOURCE_H
#define NET_FETCH_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/body.h"
#include "base/buf.h"

struct fetch_source {
    struct body *body; /* owned; NULL without one, or when it was complete */
    struct buf whole;  /* a complete one */
    size_t at;         /* of `whole`, the first that was not taken */
    int64_t length;    /* -1: unknown; 0: empty, or none */
    bool is_whole;
    int64_t taken; /* bytes */
    bool is_sent;  /* all of it was taken */
};

/* `body` is borrowed and held; NULL: none. */
void fetch_source_init(struct fetch_source *s, struct body *body);
/* Copy the next bytes to `p[0..n)`.  Returns how many, 0 at the end, ERR_BUSY
 * when there are none yet, or the ERR_* that the body failed with. */
int64_t fetch_source_take(struct fetch_source *s, char *p, size_t n);
/* Nothing is left to take. */
bool fetch_source_is_sent(const struct fetch_source *s);
/* From the first byte again.  Returns 0, or ERR_CLOSED when they are gone. */
int fetch_source_rewind(struct fetch_source *s);
/* Call `cb` when there is something to take again. */
void fetch_source_on_more(struct fetch_source *s, body_cb cb, void *arg);
/* Abandon what is left. */
void fetch_source_fini(struct fetch_source *s);

#endif
