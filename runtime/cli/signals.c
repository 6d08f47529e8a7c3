#include "cli/signals.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

static const int waited[] = {SIGTERM, SIGINT, SIGHUP};

enum { WAITED_COUNT = sizeof(waited) / sizeof(*waited) };

static sigset_t waited_set(void)
{
    sigset_t set;

    sigemptyset(&set);
    for (int i = 0; i < WAITED_COUNT; i++)
        sigaddset(&set, waited[i]);
    return set;
}

void signals_block(void)
{
    sigset_t set = waited_set();

    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

void signals_restore(void)
{
    sigset_t set = waited_set();

    for (int i = 0; i < WAITED_COUNT; i++) {
        if (waited[i] != SIGHUP)
            signal(waited[i], SIG_DFL); /* a shell may have it ignored */
    }
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

int signals_wait(int timeout_ms)
{
    sigset_t set = waited_set();
    struct timespec timeout = {timeout_ms / 1000,
                               (long)(timeout_ms % 1000) * 1000000};
    int got = 0;

    do {
        got = timeout_ms < 0 ? sigwaitinfo(&set, NULL)
                             : sigtimedwait(&set, NULL, &timeout);
    } while (got < 0 && errno == EINTR);
    return got < 0 ? 0 : got;
}

bool signals_hangup_ignored(void)
{
    struct sigaction now;

    return sigaction(SIGHUP, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}
