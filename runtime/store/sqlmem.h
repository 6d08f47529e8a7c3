/*
 * sqlmem.h - SQLite's memory: malloc with a count for each thread and a
 * ceiling on what one call into SQLite may take.
 *
 * SQLite asks for memory without saying for which connection, so the count is
 * the one thing of the store that hangs off the thread instead of a struct.
 * Without sqlmem_install everything here is harmless and nothing is bounded.
 */
#ifndef STORE_SQLMEM_H
#define STORE_SQLMEM_H

#include <stdint.h>

/* Make SQLite allocate here: once, before its first use.  Returns 0, or
 * ERR_BUSY when SQLite is already in use. */
int sqlmem_install(void);

/* Until sqlmem_end the calling thread may take `allowance` more bytes than it
 * gives back; past it SQLite is out of memory.  Returns the mark for
 * sqlmem_end.  Not nested. */
int64_t sqlmem_begin(int64_t allowance);
/* Lift the ceiling.  Returns the bytes taken since `mark` less those given
 * back; may be negative. */
int64_t sqlmem_end(int64_t mark);

#endif
