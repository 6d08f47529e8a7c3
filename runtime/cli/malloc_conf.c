/*
 * malloc_conf.c - how jemalloc is set up in the program: freed memory goes
 * back to the system within a second, even when nothing happens any more.
 *
 * jemalloc never gives back what it notes about a slab (128 bytes).  So the
 * sizes that a hibernating socket consists of (struct websocket, struct socket,
 * its tags and attachment, its place in tables) have slabs of 4 and 8 pages
 * instead of 1, 3 and 5: of 100,000 sockets 0.7 MB of notes stay and not 0.9.
 */
#include <sys/prctl.h>

/* Read by jemalloc before main (jemalloc(3), TUNING). */
extern const char *malloc_conf;
const char *malloc_conf =
    "background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0,narenas:4,"
    "slab_sizes:32-32:4|64-64:4|128-128:8|160-160:8|384-384:8";

/* Where the system gives huge pages to whoever does not refuse them, as
 * Debian's does, a few KB in use hold 2 MB, and what is given back page by page
 * is soon made one again.  Before jemalloc takes its first memory. */
__attribute__((constructor(101))) static void refuse_huge_pages(void)
{
    prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
}
