/*
 * assets.h - static files (API.md, section 9): one worker's view of the folder
 * `assets`, asked before the router.
 *
 *   request --assets_ask--> folder's names --> files in memory --> answer
 *                             | not there         | not known
 *                             v                   v
 *                           router            pool: open, read --> answer
 *
 * What was found is believed for a while: the names in the folder, and up to
 * 8 MiB of small files.  Larger ones are opened for each request and read in
 * pieces.  The disk is only touched in libuv's thread pool.
 */
#ifndef HOST_ASSETS_H
#define HOST_ASSETS_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/list.h"
#include "base/logline.h"
#include "base/message.h"

struct assets; /* opaque: assets.c */

struct assets_config {
    uv_loop_t *loop;
    const char *folder;    /* borrowed; relative to the current one */
    struct logger *logger; /* NULL: silent */
    uint64_t fresh_ms;     /* so long nothing is looked at again; 0: always */
};

/* A question that may have to wait; the asker's memory. */
struct assets_ask {
    struct request *request; /* borrowed until `done` or assets_cancel */
    /* The answer, for the callee to keep; NULL: no file, ask the router.  May
     * free the ask.  An open body in it must be abandoned if it is not read
     * to its end. */
    void (*done)(struct assets_ask *ask, struct response *rs);
    struct list link; /* of those who wait */
};

struct assets *assets_open(const struct assets_config *config);
/* Ask for the file of a request.  False: there is none, and `done` will not be
 * called.  True: it was or will be called, once. */
bool assets_ask(struct assets *a, struct assets_ask *ask);
/* `done` shall not be called any more. */
void assets_cancel(struct assets_ask *ask);
/* Nobody asks any more.  `closed(arg)` once all bodies are read or abandoned,
 * all files are closed, and `a` is freed. */
void assets_close(struct assets *a, void (*closed)(void *arg), void *arg);

#endif
