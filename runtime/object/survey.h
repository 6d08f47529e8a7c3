/*
 * survey.h - objects seen from outside, by those who run the server: what one
 * is doing, and its deletion.
 *
 * On the object's thread, between turns; wakes nothing.
 */
#ifndef OBJECT_SURVEY_H
#define OBJECT_SURVEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/oid.h"
#include "object/gate.h"
#include "object/realm.h"

enum survey_state {
    SURVEY_ASLEEP,
    SURVEY_WAKING,
    SURVEY_AWAKE,
    SURVEY_HIBERNATING /* its sockets are all there is of it */
};

struct survey {
    enum survey_state state;
    size_t sockets;     /* hibernatable and plain ones */
    int64_t last_event; /* ms since the Unix epoch; 0: none known */
    int64_t since;      /* that it woke or went to sleep, likewise */
    int64_t idle_left;  /* ms until it goes to sleep; -1: it is not idle */
    uint64_t version;   /* of the script that it runs, from 1; 0: none */
    bool is_stale;      /* there is a newer one */
    size_t events, queued;
    size_t memory; /* bytes of its Lua state */
};

/* `o` NULL: it is not in memory. */
void survey_object(const struct object *o, struct survey *out);
/* When an object that is not in memory went to sleep, in ms since the Unix
 * epoch; 0: too long ago, or never awake. */
int64_t survey_asleep_since(const struct realm *r, const struct oid *id);

/* Processor time that its script has used while in memory, in ns. */
uint64_t survey_cpu_ns(const struct object *o);
/*
 * Call each(arg, o) for a part of the objects in memory, so that a look at all
 * of them holds up nobody: `*at` is 0 at first, and false is returned when the
 * last part was done.  What comes and goes between two calls may be given
 * twice, or not at all.
 */
bool survey_part(const struct realm *r, size_t *at,
                 void (*each)(void *arg, const struct object *o), void *arg);

/* Call each(arg, socket) for its sockets, the hibernatable ones first, each
 * oldest first; stops when it returns non-zero. */
void survey_sockets(const struct object *o,
                    int (*each)(void *arg, const struct socket *s), void *arg);

/*
 * Reset the object (its calls fail with code "reset"), cut its sockets, and
 * remove all it has stored; `item` is released when that is durable or has
 * failed.  An object without storage and not in memory is left as it is, and
 * `item` released.  ERR_IO, ERR_CORRUPT, ERR_FULL: `item` is not released, and
 * the storage is as before.
 */
int survey_delete(struct realm *r, const char *class_name, const struct oid *id,
                  struct gate_item *item, struct error *err);

/* The same, but `image` takes the place of what was stored. */
struct db_image;
int survey_replace(struct realm *r, const char *class_name,
                   const struct oid *id, const struct db_image *image,
                   struct gate_item *item, struct error *err);

#endif
