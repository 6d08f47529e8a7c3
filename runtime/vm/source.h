/* source.h - one source file: found, read, checked, compiled.  Private to
 * code.c. */
#ifndef VM_SOURCE_H
#define VM_SOURCE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

/* May the file be reached by a link that leaves the folder? */
enum source_links { LINKS_INSIDE, LINKS_ANYWHERE };

enum { SOURCE_MAX = 16 * 1024 * 1024 }; /* bytes of one file */

/* Compile `text`, named `chunk` ("@counter.lua"), and append the dump to
 * `out`.  ERR_LUA: a precompiled chunk or a syntax error, with file and line;
 * ERR_NOMEM. */
int source_compile(struct slice text, const char *chunk, struct buf *out,
                   struct error *err);
/*
 * The same for the file `relative` below the folder `root`, which has no links
 * in its path; its chunk is named "@<relative>".  `*path` gets the file's path
 * (owned by the caller). ERR_NOT_FOUND; ERR_INVALID: it is outside the folder
 * by way of a link, or not a file; ERR_TOO_BIG; ERR_IO.
 */
int source_read(const char *root, const char *relative, enum source_links links,
                char **path, struct buf *out, struct error *err);

#endif
