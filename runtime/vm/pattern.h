/*
 * pattern.h - Lua patterns, matched by a machine that can pause.
 *
 * A struct match searches a subject for a pattern.  Its state is all in the
 * struct (an explicit stack of choices, no C recursion), so that a search can
 * stop after MATCH_SLICE steps, be moved to other memory, and go on.  It knows
 * no script-visible function; strings_find.c and strings_gsub.c do.
 *
 *   match_init --> match_run --+--> MATCH_FOUND --match_again--> match_run
 *                      ^       +--> MATCH_NONE
 *                      +-------+--- MATCH_PAUSE
 *
 * The caller keeps subject and pattern on its Lua stack for as long as the
 * struct is used, across yields too: their bytes do not move while they are
 * alive, so that pointers into them stay good.
 */
#ifndef VM_PATTERN_H
#define VM_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct lua_State;

#ifndef MATCH_SLICE
#define MATCH_SLICE 512 /* steps between two pauses; the specs set 1 */
#endif

enum {
    MATCH_CAPTURES_MAX = 32,
    MATCH_CHOICES = 12, /* choices kept inside the struct */
    CAPTURE_OPEN = -1,
    CAPTURE_POSITION = -2
};

enum match_status { MATCH_NONE, MATCH_FOUND, MATCH_PAUSE };

enum match_mode { MODE_BEGIN, MODE_STEP, MODE_RUN, MODE_BALANCE };

/* Where to go on when what follows does not match, or what to undo then. */
struct choice {
    int kind;
    int capture;            /* the one to undo */
    const char *item, *end; /* the single-character item, and after it */
    const char *s;          /* where in the subject */
    size_t count;           /* characters of a greedy run not given back */
};

struct capture {
    const char *at;
    ptrdiff_t len; /* or CAPTURE_* */
};

struct match {
    struct lua_State *L; /* to raise on */
    const char *src, *src_end;
    const char *pat, *pat_end; /* behind the anchor */
    const char *start;         /* of this attempt, and of the match found */
    const char *s, *p;         /* where the attempt stands; s is the end of the
                                  match found */
    const char *last;          /* no empty match is wanted here; or NULL */
    size_t nest;               /* of %b */
    int mode;                  /* MODE_*: what the next step is */
    int left;                  /* steps until the next pause */
    int first;                 /* every match begins with this byte; or -1 */
    bool is_anchored;
    int level;           /* captures begun */
    size_t depth;        /* choices in use */
    struct choice *many; /* memory for more choices, or NULL */
    struct capture capture[MATCH_CAPTURES_MAX];
    struct choice few[MATCH_CHOICES];
};

/* Prepare the search for `pattern` in `subject` from byte `at` on; a leading ^
 * anchors if `may_anchor`.  Pushes one value, which must stay on the stack for
 * as long as the struct is used.  [raises: mem] */
void match_init(struct match *m, struct lua_State *L, struct slice subject,
                struct slice pattern, size_t at, bool may_anchor);
/* Go on. Raises for a malformed pattern, with the text of stock Lua. */
enum match_status match_run(struct match *m);
/* After MATCH_FOUND: look for the next match, behind this one. */
void match_again(struct match *m);

/* The bytes of capture `i` (from 0; without captures 0 is the whole match).
 * A position capture has p == NULL and its value in n.  [raises] */
struct slice match_capture(struct match *m, int i);
/* Push capture `i`, or an integer for a position.  [raises] */
void match_push_capture(struct match *m, int i);
/* Push all captures, the whole match when there are none and `whole`; returns
 * how many.  [raises] */
int match_push_captures(struct match *m, bool whole);

#endif
