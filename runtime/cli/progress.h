/* progress.h - on a terminal, how far something is that takes longer than two
 * seconds: done, rate, time left. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *what; /* "objects"; NULL: bytes */
    uint64_t began_ns, shown_ns;
    bool is_shown; /* a line that can be written over stands there */
};

void progress_init(struct progress *p, const char *what);
/* The same where bytes are counted. */
void progress_init_bytes(struct progress *p);
/* `total` 0: not known. */
void progress_show(struct progress *p, int64_t done, int64_t total);
/* Take the line away, before something else is written. */
void progress_clear(struct progress *p);

#endif
