/*
 * scraps.h - what a command makes on its way, and removes when it is broken off
 * by SIGINT, SIGTERM or SIGHUP: half a file is of no use to anybody.
 *
 * A thread waits for the signals; the process then ends by the signal, as it
 * would have.
 */
#ifndef CLI_SCRAPS_H
#define CLI_SCRAPS_H

#include <pthread.h>
#include <stdbool.h>

struct scraps {
    pthread_t thread;
    pthread_mutex_t mutex;
    bool is_over; /* the command is through; under the mutex */
    char *path; /* a file, with what SQLite keeps beside it, or a folder; NULL:
                   nothing yet; owned */
};

/* Before any other thread starts. */
void scraps_start(struct scraps *s);
/* From now on that is there: `path` is copied; NULL: it is not, any more. */
void scraps_set(struct scraps *s, const char *path);
/* The signals do again what they do by themselves.  Removes nothing. */
void scraps_end(struct scraps *s);

/* What one puts into `folder` for a moment is named with its process. */
#define SCRAPS_IMPORT "import-"

/* Remove what imports that were killed left in the folder: files of processes
 * that are gone, and, as these may be of another namespace, an hour old. */
void scraps_sweep(const char *folder);

#endif
