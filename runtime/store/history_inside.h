/*
 * history_inside.h - history.c's and history_keep.c's own, and what the store
 * calls of it.  Nobody outside includes it.
 */
#ifndef STORE_HISTORY_INSIDE_H
#define STORE_HISTORY_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/disk.h"
#include "base/err.h"
#include "base/oid.h"
#include "store/history.h"
#include "store/segment.h"

struct history {
    /* history/since: the log has what history needs from this segment on. */
    uint64_t since; /* its sequence; 0: there is none */
    int64_t since_ms;

    pthread_mutex_t writing;   /* files of history/armed */
    pthread_mutex_t mutex;     /* all below */
    struct armed *armed;       /* owned; a table by id */
    atomic_size_t armed_count; /* for a quick look */
};

/* The log has been replayed from `*loaded` up to commit `*last` and is about to
 * begin anew: keep what it has, look what is armed.  `*last` becomes what the
 * next number is above: no bookmark of what was before objects came from
 * outside may seem to be one of what they are now.  A failure to keep is
 * logged.  Returns 0, ERR_FULL, ERR_IO. */
int history_open(struct store *s, const struct segments *loaded, uint64_t *last,
                 struct error *err);
void history_free(struct history *h); /* NULL is allowed */
/* Keep the segments up to `sequence`, which the log is about to give up: what
 * they have is in the objects' files, durably.  A failure is logged, and then
 * history begins after it. */
void history_keep(struct store *s, uint64_t sequence);
/* Remove the oldest that is kept: the disk is full.  `arg`: the store.  Returns
 * whether there was any.  Any thread. */
bool history_make_room(void *arg);
/* When the history began, if that was with segment `sequence`; else 0. */
int64_t history_since(const struct store *s, uint64_t sequence);

/* history_cut.c */
struct cut {
    uint64_t number; /* bookmarks of the object up to it are void */
    int64_t time_ms; /* when that was */
};
/* The last one of the object; zeros: there is none. */
struct cut history_cut_of(struct store *s, const struct oid *id);
/* The number of the last cut, 0: there is none. */
uint64_t history_cut_last(struct disk *d);
/* Forget cuts before commit `oldest`.  Returns 0 or ERR_IO. */
int history_cut_expire(struct disk *d, uint64_t oldest);

/* history_armed.c */
void armed_fini(struct history *h);
int armed_load(struct store *s, struct error *err);
int armed_write(struct store *s, const struct oid *id, const struct bookmark *b,
                struct error *err);
int armed_read(struct store *s, const struct oid *id, struct bookmark *out,
               struct error *err);

/* A small file at `path`, whole or not there: write `n` bytes to `making`,
 * rename.  Returns 0, ERR_FULL, ERR_IO. */
int history_write_file(struct disk *d, const char *making, const char *path,
                       const void *p, size_t n);

#endif
