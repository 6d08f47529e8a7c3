/*
 * logtext.h - one log line as text: a JSON object, or a line to read.
 *
 * Pure; the queue and the thread are in logline.c.  Neither form lets what a
 * peer or a script logged break the line or steer a terminal.
 */
#ifndef BASE_LOGTEXT_H
#define BASE_LOGTEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/logline.h"

/* A message or trace is cut here, fields that are longer are left out. */
enum { LOGTEXT_MAX = 64 * 1024 };

/*
 * Append `line` as one JSON object and a newline: time (ISO 8601, UTC), level,
 * message, then those of class, name, id, the fields, trace that are not
 * empty.  Bytes that are not UTF-8 become U+FFFD.  `wall_ms` is its time.
 */
void logtext_json(const struct log_line *line, int64_t wall_ms,
                  struct buf *out);

/* Append `s` as a JSON string, quotes included, cut and made valid as a log
 * line's message is. */
void logtext_json_string(struct buf *out, struct slice s);

/*
 * Append `line` as `12:34:56.789 info  Counter/main  message  key=value`, time
 * in the local zone; further lines of the message, and the trace, follow
 * indented.  Control characters and what is not UTF-8 become \xNN.
 */
void logtext_readable(const struct log_line *line, int64_t wall_ms,
                      bool is_coloured, struct buf *out);

#endif
