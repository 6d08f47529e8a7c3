/*
 * err.h - the one list of error codes, and a code with its message.
 *
 * Functions that can fail return 0 or a negative ERR_*.  Those that have more
 * to say take a `struct error *`, which the caller owns and may leave NULL.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#define ERR_MAP(X)                                                             \
    X(NOMEM, -1, "out of memory")                                              \
    X(CANCELED, -2, "operation canceled")                                      \
    X(CLOSED, -3, "already closed")                                            \
    X(TOO_BIG, -4, "larger than the allowed limit")                            \
    X(BUSY, -5, "busy")                                                        \
    X(IO, -6, "input/output error")                                            \
    X(PROTO, -7, "malformed input from peer")                                  \
    X(LUA, -8, "error in Lua code")                                            \
    X(SQL, -9, "SQL statement failed")                                         \
    X(FULL, -10, "database or disk is full")                                   \
    X(CORRUPT, -11, "damaged data")                                            \
    X(NOT_FOUND, -12, "not found")                                             \
    X(EXISTS, -13, "already exists")                                           \
    X(INVALID, -14, "invalid argument")                                        \
    X(OVERLOADED, -15, "overloaded")                                           \
    X(RESET, -16, "the object was reset")                                      \
    X(DEADLOCK, -17, "a call that waits for itself")                           \
    X(TIMEOUT, -18, "timed out")                                               \
    X(LOCKED, -19, "in use by another process")                                \
    X(LIMIT, -20, "past a limit of the configuration")

enum {
    ERR_OK = 0,
#define X(name, num, text) ERR_##name = (num),
    ERR_MAP(X)
#undef X
};

enum { ERROR_TEXT_MAX = 1024 };

/* A failure with its message.  `code` is 0 while nothing has failed. */
struct error {
    int code;                  /* 0 or ERR_* */
    char text[ERROR_TEXT_MAX]; /* NUL-terminated, UTF-8, cut if too long */
};

/* Fill `e` (NULL is allowed) by a printf format.  Returns `code`, so that a
 * caller can write `return error_set(e, ERR_IO, ...)`. */
int error_set(struct error *e, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The upper-case name ("NOMEM") and the text of `code`; static strings.
 * An unknown code gives "UNKNOWN" and "unknown error". */
const char *err_name(int code);
const char *err_text(int code);

#endif
