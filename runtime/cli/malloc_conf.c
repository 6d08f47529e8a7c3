/*
 * malloc_conf.c - how jemalloc is set up in the program: freed memory goes
 * back to the system within a second, even when nothing happens any more.
 *
 * jemalloc never gives back what it notes about a slab (128 bytes).  So the
 * two sizes that most of a hibernating socket consists of (struct websocket,
 * struct socket) have slabs of 8 pages instead of 3 and 5.
 */

/* Read by jemalloc before main (jemalloc(3), TUNING). */
extern const char *malloc_conf;
const char *malloc_conf =
    "background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0,narenas:4,"
    "slab_sizes:160-160:8|384-384:8";
