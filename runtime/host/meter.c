#include "host/meter.h"

int meter_bucket(uint64_t us)
{
    const uint64_t least = UINT64_C(1) << METER_FIRST;

    if (us <= least)
        return 0;
    /* The power of two at or above. */
    int power = 64 - __builtin_clzll(us - 1);

    return power - METER_FIRST > METER_BUCKETS ? METER_BUCKETS
                                               : power - METER_FIRST;
}

static enum meter_outcome outcome_of(int status)
{
    if (status < 400)
        return METER_OK;
    if (status == 503)
        return METER_OVERLOADED;
    return status < 500 ? METER_REFUSED : METER_FAILED;
}

void meter_answered(struct meter *m, int status, uint64_t ns)
{
    uint64_t us = ns / 1000;

    if (status == 0) {
        m->ended[METER_GONE]++;
        return;
    }
    m->ended[outcome_of(status)]++;
    m->took[meter_bucket(us)]++;
    m->took_us += us;
}
