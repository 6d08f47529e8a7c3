/*
 * logline.h - lines of the runtime's own log: readable (dev) or JSON (serve).
 *
 * Lines are formatted by the caller's thread and written to standard error by
 * a thread of the logger, so that a slow reader of the log never holds up a
 * worker; past a bound lines are dropped and counted, and the count is logged.
 * Not the commit log.
 */
#ifndef BASE_LOGLINE_H
#define BASE_LOGLINE_H

#include <stdint.h>

#include "base/clock.h"
#include "base/slice.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_READABLE, LOG_JSON };

struct logger; /* opaque: logline.c */

/* What a line is about; every slice may be empty.  Borrowed. */
struct log_line {
    enum log_level level;
    struct slice message;    /* any bytes; invalid UTF-8 is replaced */
    struct slice class_name; /* of the object */
    struct slice name;       /* of the object, any bytes */
    struct slice id;         /* of the object, hex */
    struct slice fields;     /* a JSON object's members without the braces:
                                `"user":"ann","n":3` */
    struct slice trace;      /* a traceback, several lines */
};

/* `fd` is not closed.  `lowest` is the lowest level that is written. */
struct logger *logger_new(int fd, enum log_format format, enum log_level lowest,
                          const struct clock *clock);
/* A logger that keeps nothing and has no thread: every line of at least
 * `lowest` goes to take(arg, line), on the thread that writes it. */
struct logger *logger_new_taken(enum log_level lowest,
                                void (*take)(void *arg,
                                             const struct log_line *line),
                                void *arg);
/* Write what is queued, stop the thread, free. */
void logger_free(struct logger *l);
/* Queue one line.  Any thread; never blocks on the reader. NULL logger: drop.
 */
void logger_write(struct logger *l, const struct log_line *line);
/* A line without an object, by a printf format. */
void logger_printf(struct logger *l, enum log_level level, const char *format,
                   ...) __attribute__((format(printf, 3, 4)));

#endif
