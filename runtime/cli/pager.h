/*
 * pager.h - where a list goes: standard output, or $PAGER when that is a
 * terminal and the list is longer.
 */
#ifndef CLI_PAGER_H
#define CLI_PAGER_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/slice.h"

/* Columns and rows of the terminal that standard output is; 0: it is none. */
struct terminal {
    size_t columns, rows;
};

struct terminal terminal_size(void);

enum pager_use { PAGER_IF_LONG, PAGER_NEVER };

struct pager {
    FILE *to;        /* stdout or the pager */
    pid_t pid;       /* of the pager; 0: none */
    size_t rows;     /* that fit; 0: nothing is held back */
    size_t lines;    /* held back so far */
    struct buf held; /* what fits the terminal so far */
    bool is_left;    /* nobody reads any more, as after `| head` */
};

void pager_init(struct pager *p, enum pager_use use);
/* Write `line` and a newline.  Returns non-zero when nobody reads any more. */
int pager_line(struct pager *p, struct slice line);
/* What was written is to be seen now, though more may come. */
void pager_flush(struct pager *p);
/* Write what is held back; wait until the pager is left.  That nobody read to
 * the end is no failure of standard output. */
void pager_close(struct pager *p);

#endif
