/*
 * valuepath.h - where in a value an encoder stands, for its messages:
 * `value.players[3].socket`.
 *
 * Links live on the C stack of the encoder, innermost first; the text is made
 * only when something is refused.
 */
#ifndef VM_VALUEPATH_H
#define VM_VALUEPATH_H

struct lua_State;

enum {
    VALUEPATH_MAX = 512,   /* bytes of a text, with its NUL */
    VALUEPATH_KEY_MAX = 64 /* bytes of one string key that are shown */
};

/* One table on the path, and the member in it that is being encoded. */
struct valuepath {
    const struct valuepath *parent; /* NULL at the top */
    const void *table;              /* its identity */
    int depth;                      /* 1 at the top */
    int key;         /* stack index of the member's key; 0: see index */
    long long index; /* the member's number in an array */
};

/* Write `root` and the path (NULL: the top itself) to `out`; a path too long
 * loses its middle.  Never raises, needs one free stack slot. */
void valuepath_text(struct lua_State *L, const char *root,
                    const struct valuepath *path, char out[VALUEPATH_MAX]);

#endif
