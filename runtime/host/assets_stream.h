/*
 * assets_stream.h - an open file of the folder of assets, and bodies that read
 * it piece by piece in libuv's thread pool, as fast as they are read.
 */
#ifndef HOST_ASSETS_STREAM_H
#define HOST_ASSETS_STREAM_H

#include <stdint.h>
#include <uv.h>

#include "base/body.h"

struct assets_file; /* counted; opaque: assets_stream.c */

/* Take over `fd`; one reference.  `closed(arg)` is called once the last is
 * gone and the descriptor is closed. */
struct assets_file *assets_stream_file(uv_loop_t *loop, int fd,
                                       void (*closed)(void *arg), void *arg);
void assets_stream_drop(struct assets_file *f);
/* A body of the file's bytes from `at`, `n` of them, n > 0, with a reference
 * for the reader, who must abandon it if he leaves before its end.  It holds
 * the file, and fails with ERR_IO when that became shorter. */
struct body *assets_stream_body(struct assets_file *f, int64_t at, int64_t n);

#endif
