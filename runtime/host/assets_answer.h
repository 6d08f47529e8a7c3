/*
 * assets_answer.h - what a request for a file gets: all of it, a part, or that
 * nothing has changed (RFC 9110, sections 13 and 14).  Pure.
 */
#ifndef HOST_ASSETS_ANSWER_H
#define HOST_ASSETS_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/message.h"

/* Of one state of a file. */
struct assets_meta {
    int64_t size;     /* bytes */
    int64_t mtime_ns; /* since the epoch */
    uint64_t inode;
};

struct assets_part {
    int status;    /* 200, 206, 304, 416 */
    int64_t at, n; /* bytes of the file for the body; n 0: it has none */
};

bool assets_answer_is_head(const struct request *rq);
/*
 * Decide what `rq` (a GET or HEAD) gets of the file: If-None-Match before
 * If-Modified-Since; one range of bytes, if If-Range allows, of GET; a Range
 * that is malformed or has several gets the whole file.
 */
void assets_answer_plan(const struct request *rq, const struct assets_meta *m,
                        struct assets_part *out);
/* The response with such a part; `path` is the file's name.  `body` (taken
 * over) has the bytes, or is NULL when there are none or for HEAD. */
struct response *assets_answer_build(const struct request *rq,
                                     const struct assets_meta *m,
                                     struct slice path,
                                     const struct assets_part *part,
                                     struct body *body);
/* 308 from a folder's name to the same with a slash. */
struct response *assets_answer_redirect(const struct request *rq);
/* 503: for now no file can be opened. */
struct response *assets_answer_busy(void);

#endif
