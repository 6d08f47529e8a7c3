/*
 * meter.h - what one worker's requests came to and how long they took.
 *
 * Plain numbers of the worker's thread, read there by errands.  Pure.
 */
#ifndef HOST_METER_H
#define HOST_METER_H

#include <stdint.h>

enum meter_outcome {
    METER_OK,         /* below 400, the 101 of WebSockets included */
    METER_REFUSED,    /* 4xx */
    METER_FAILED,     /* 5xx, but for 503 */
    METER_OVERLOADED, /* 503 */
    METER_GONE,       /* the client left before the answer */
    METER_OUTCOMES
};

/* Bucket i: up to 2^(i + METER_FIRST) microseconds; the last one: longer. */
enum { METER_FIRST = 6, METER_BUCKETS = 20 };

struct meter {
    uint64_t begun; /* requests */
    uint64_t ended[METER_OUTCOMES];
    uint64_t took[METER_BUCKETS + 1]; /* those that were answered */
    uint64_t took_us;                 /* all of them together */
};

/* A request was answered with `status` after `ns`; 0: its client is gone. */
void meter_answered(struct meter *m, int status, uint64_t ns);
/* The bucket of `us` microseconds. */
int meter_bucket(uint64_t us);

#endif
