/*
 * rest.h - how a thread waits that may have nothing to do for long.
 */
#ifndef BASE_REST_H
#define BASE_REST_H

#include <pthread.h>

/* As pthread_cond_wait(3), with `mutex` held; may return without a signal, as
 * that does, so what is waited for is looked at again.  After a second without
 * a signal the thread gives back what the allocator keeps at hand for it
 * (mem_trim): what a burst of work left there could be some 100 KB. */
void rest_wait(pthread_cond_t *cond, pthread_mutex_t *mutex);

#endif
