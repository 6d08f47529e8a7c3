/*
 * row.h - what the runtime says of itself, row by row: a kind ("object",
 * "key", "problem") and cells, each with a key, a type and a value.
 *
 * Rows are bytes, the same within a process and on the control socket:
 *
 *   row   n kind, cells
 *   cell  type, n key, value: 8 bytes | n text (4 bytes) | texts in a text
 *
 * Little end first.  Pure; reading is safe on any bytes.
 */
#ifndef HOST_ROW_H
#define HOST_ROW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

enum cell_type {
    CELL_NONE, /* the question has no answer: no name, no alarm */
    CELL_BOOL,
    CELL_INTEGER,
    CELL_TEXT,  /* bytes */
    CELL_TEXTS, /* several: read with cell_next_text */
    CELL_REAL,
    CELL_BLOB /* bytes that are no text */
};

struct cell {
    struct slice key; /* borrowed from the row, as `text` */
    enum cell_type type;
    int64_t integer; /* INTEGER, BOOL */
    double real;     /* REAL */
    struct slice text;
};

/* Keys and kinds are literals of at most 255 bytes. */
void row_begin(struct buf *row, const char *kind);
void row_add_none(struct buf *row, const char *key);
void row_add_bool(struct buf *row, const char *key, bool value);
void row_add_integer(struct buf *row, const char *key, int64_t value);
/* NONE when 0: of times and other things that are never 0. */
void row_add_nonzero(struct buf *row, const char *key, int64_t value);
void row_add_text(struct buf *row, const char *key, struct slice text);
void row_add_real(struct buf *row, const char *key, double value);
void row_add_blob(struct buf *row, const char *key, struct slice bytes);
/* NONE when empty. */
void row_add_name(struct buf *row, const char *key, struct slice text);
/* `texts` is what row_join made. */
void row_add_texts(struct buf *row, const char *key, const struct buf *texts);
void row_join(struct buf *texts, struct slice text);

/* The kind of `row`, and its cells to `*cells`; an empty kind when it is
 * damaged. */
struct slice row_kind(struct slice row, struct slice *cells);
/* Take the next cell off `*cells`; false at the end or when it is damaged. */
bool row_next(struct slice *cells, struct cell *out);
/* The cell called `key`; false when there is none, or it is NONE. */
bool row_find(struct slice row, const char *key, struct cell *out);
/* The same, its integer or text; 0 or empty when there is none. */
int64_t row_integer(struct slice row, const char *key);
struct slice row_text(struct slice row, const char *key);
bool row_is(struct slice row, const char *kind);
/* Take the next of TEXTS off `*texts`. */
bool cell_next_text(struct slice *texts, struct slice *out);

#endif
