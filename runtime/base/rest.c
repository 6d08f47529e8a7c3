#include "base/rest.h"

#include <stdbool.h>
#include <time.h>

#include "base/mem.h"

static _Thread_local bool is_trimmed; /* and has had nothing to do since */

void rest_wait(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
    struct timespec end;

    if (is_trimmed) {
        pthread_cond_wait(cond, mutex);
        is_trimmed = false;
        return;
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec++;
    if (pthread_cond_clockwait(cond, mutex, CLOCK_MONOTONIC, &end) == 0)
        return;
    /* A signal may have come with the end: the caller looks, not this. */
    mem_trim();
    is_trimmed = true;
}
