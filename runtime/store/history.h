/*
 * history.h - what objects were: bookmarks, and the way back to one.
 *
 *   history_arm(bookmark) --> [file history/armed/<id>] --> the next wake:
 *   history_read (any thread) --> history_restore (the object's) --durable-->
 *   history_disarm (any thread) --> the object goes on
 *
 * A bookmark is a number in the one sequence of the node's commits: the object
 * as its commits up to that number left it.  It is known where the log says how
 * each page was: the log, and what is kept of it (archive.h) for as long as
 * store_config.history_ms.
 */
#ifndef STORE_HISTORY_H
#define STORE_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/oid.h"
#include "base/slice.h"
#include "store/store.h"

/* A point in the life of an object's storage. */
struct bookmark {
    uint64_t number; /* of the last commit that counts */
    bool is_undo;    /* just before the first restore after that commit */
};

enum { BOOKMARK_TEXT = 59 };

/* As text: four groups of hexadecimal digits, in the order of the numbers; the
 * last one is a sum over it and the object's id. */
void bookmark_print(const struct bookmark *b, const struct oid *id,
                    char out[BOOKMARK_TEXT + 1]);
/* Returns 0, or ERR_INVALID: not a bookmark, or another object's. */
int bookmark_parse(struct slice text, const struct oid *id,
                   struct bookmark *out, struct error *err);

/* How long history is kept, in ms; 0: there is none.  Any thread. */
int64_t history_ms(const struct store *s);
/* The store of a client. */
struct store *history_store(struct store_client *c);
/* Where the object is now, as of its last commit.  Nobody may hear of it before
 * that commit is durable.  The client's thread. */
struct bookmark history_now(const struct store_client *c,
                            const char *class_name, const struct oid *id);

/* ---- any thread but a worker's; they block on the disk ---- */

/* The object as it was at `time_ms` (since the Unix epoch).  ERR_INVALID: no
 * history is kept, or the time is to come; ERR_NOT_FOUND: history does not go
 * back that far; ERR_IO, ERR_CORRUPT. */
int history_at(struct store *s, const struct oid *id, int64_t time_ms,
               struct bookmark *out, struct error *err);
/* At its next wake the object goes back to `b`, whatever happens before, unless
 * another call says something else.  On disk when it returns.  As history_at;
 * ERR_INVALID: the bookmark is of no commit so far; ERR_FULL. */
int history_arm(struct store *s, const struct oid *id, const struct bookmark *b,
                struct error *err);
/* What the object, which is armed and has nothing under way, has to become.
 * ERR_NOT_FOUND: history does not go back that far (any more); ERR_LIMIT: more
 * than 512 MB are other than now; ERR_CORRUPT: it is damaged; ERR_IO. */
struct history_image;
int history_read(struct store *s, const struct oid *id,
                 struct history_image **out, struct error *err);
void history_image_free(struct history_image *i); /* NULL is allowed */
/* It has gone back, durably, or cannot.  On disk when it returns.  ERR_IO,
 * ERR_FULL: it is armed still. */
int history_disarm(struct store *s, const struct oid *id, struct error *err);

/* The object's file is about to be put there from outside: what it was up to
 * now cannot be had any more.  On disk when it returns.  ERR_FULL, ERR_IO. */
int history_cut(struct store *s, const struct oid *id, struct error *err);
/* The same of all objects that have a file in the folder at `path`
 * (objects/<Class>), which is about to go. */
int history_cut_class(struct store *s, const char *path, struct error *err);

/* Look at every file of it.  `found` hears of each whose contents are not what
 * was written (`what`: what cannot be had therefore; NULL: it is well), until
 * it returns other than 0, which is returned.  ERR_IO: a folder cannot be read.
 */
int history_check(struct store *s,
                  int (*found)(void *arg, const char *path, const char *what),
                  void *arg, struct error *err);

/* ---- */

/* Whether the object is to go back at its next wake.  Cheap, any thread. */
bool history_is_armed(struct store *s, const struct oid *id);
struct history_restored {
    uint64_t number;    /* of the commit */
    int64_t next_alarm; /* of the object, ms since the Unix epoch; 0: none */
};

/* Make the object, whose database is not open, what `i` says, by one commit.
 * The client's thread; does not wait.
 * ERR_CORRUPT: what history gave is no database; ERR_FULL, ERR_IO, ERR_RESET:
 * nothing was changed. */
int history_restore(struct store_client *c, const char *class_name,
                    const struct oid *id, const struct history_image *i,
                    struct history_restored *out, struct error *err);

#endif
