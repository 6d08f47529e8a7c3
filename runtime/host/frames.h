/*
 * frames.h - rows on the control socket of a data folder.
 *
 *   client: "MKC1", the question, a row
 *   server: rows; the last one, of kind "end", has `code` (0 or ERR_*), `text`
 *
 * Each row follows its length (4 bytes, little end first).  Blocking; one
 * thread for each end.
 */
#ifndef HOST_FRAMES_H
#define HOST_FRAMES_H

#include <stdbool.h>
#include <sys/un.h>

#include "base/buf.h"
#include "base/slice.h"

#define FRAMES_MAGIC  "MKC1"
#define FRAMES_SOCKET "moonkeep.sock"

enum { FRAMES_MAGIC_N = 4, FRAMES_MAX = 16 << 20 };

/* The address of the socket in `folder`, by a descriptor of the folder, since
 * a path may be longer than an address: `*fd` is to be closed when it was used.
 * ERR_NOT_FOUND: no such folder. */
int frames_address(const char *folder, struct sockaddr_un *out, int *fd);
/* Append `row` as a frame. */
void frames_add(struct buf *out, struct slice row);
/* Append the last row; code 0: the answer is complete. */
void frames_add_end(struct buf *out, int code, const char *text);
/* Write all of it.  ERR_CLOSED: the other end is gone. */
int frames_write(int fd, struct slice bytes);
/* Read exactly `n` bytes.  1; 0: the other end is gone; ERR_TIMEOUT. */
int frames_read_bytes(int fd, void *p, size_t n);
/* Read one row into `row` (replaced).  1; 0: the other end is gone; ERR_PROTO:
 * it is longer than FRAMES_MAX; ERR_TIMEOUT. */
int frames_read(int fd, struct buf *row);

#endif
