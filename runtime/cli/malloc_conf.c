/*
 * malloc_conf.c - how jemalloc is set up in the program: freed memory goes
 * back to the system within a second, even when nothing happens any more.
 *
 * jemalloc never gives back what it notes about a slab (128 bytes).  So the
 * sizes that a hibernating socket consists of (struct websocket, struct socket,
 * its tags and attachment, its place in tables), and those that it needs while
 * it comes and goes, have slabs of the most blocks that one may have or of some
 * 100 KB, not of 1 to 7 pages.
 */
#include <sys/prctl.h>

/* Read by jemalloc before main (jemalloc(3), TUNING). */
extern const char *malloc_conf;
const char *malloc_conf =
    "background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0,narenas:4,"
    "slab_sizes:32-32:4|48-48:6|64-64:8|80-80:10|112-112:14|128-128:16|160-160:"
    "20|224-224:14|384-384:24|448-448:14|640-640:10";

/* Where the system gives huge pages to whoever does not refuse them, as
 * Debian's does, a few KB in use hold 2 MB, and what is given back page by page
 * is soon made one again.  Before jemalloc takes its first memory. */
__attribute__((constructor(101))) static void refuse_huge_pages(void)
{
    prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
}
