/*
 * malloc_conf.c - how jemalloc is set up in the program: freed memory goes
 * back to the system within a second, even when nothing happens any more.
 */

/* Read by jemalloc before main (jemalloc(3), TUNING). */
extern const char *malloc_conf;
const char *malloc_conf =
    "background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0,narenas:4";
