/*
 * table.h - rows of host/row.h as aligned columns, as they come.
 *
 * The widths are those of the first rows; on a terminal the widest columns are
 * made narrower until the table fits, and what is longer is cut with an
 * ellipsis.  Elsewhere nothing is cut.
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "cli/pager.h"

enum { TABLE_COLUMNS = 100, TABLE_AHEAD = 200 /* rows that make the widths */ };

enum table_form {
    TABLE_TEXT,  /* the cell as it is; integers with commas */
    TABLE_VALUE, /* of a database: NULL, exact numbers, x'00ff' */
    TABLE_SHORT, /* its first 8 characters: ids */
    TABLE_BYTES,
    TABLE_WHEN,
    TABLE_DURATION,
    TABLE_COUNT
};

struct table_column {
    const char *title;
    const char *key; /* of the cell */
    enum table_form form;
    /* Not NULL: writes the text itself. */
    void (*write)(struct buf *out, struct slice row);
};

struct table {
    const struct table_column *columns;
    size_t count;
    const char *indent;
    struct pager *to;
    int64_t now_ms;
    size_t terminal; /* columns of the terminal; 0: none */
    size_t widths[TABLE_COLUMNS];
    struct buf ahead; /* rows kept until the widths are known: row_join */
    size_t ahead_n;
    bool has_begun;
    struct buf line, cell; /* scratch */
};

/* `columns` and `to` are borrowed until table_end.  `indent` goes before each
 * line. */
void table_init(struct table *t, const struct table_column *columns,
                size_t count, const char *indent, struct pager *to);
/* Returns non-zero when nobody reads any more. */
int table_add(struct table *t, struct slice row);
/* What is still kept is written; a table without rows is not. */
void table_end(struct table *t);
/* One cell of `row` as the table shows it. */
void table_cell(struct buf *out, const struct table_column *c, struct slice row,
                int64_t now_ms);

#endif
