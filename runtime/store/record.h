/*
 * record.h - the bytes of one commit in the log: encode, check, decode.
 *
 *   [head 48] [fixed part of the body] [class name] [entries] [zeros up to 8]
 *
 * An entry is a page as it is now, a page as it was before (for history), or a
 * note.
 *
 * The committing thread makes the body; the log thread completes the head when
 * it knows the record's place.  Numbers are little-endian.  Decoders take any
 * bytes.  Pure: no files, no threads.
 */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/oid.h"
#include "base/slice.h"

enum { RECORD_HEAD = 48, RECORD_CLASS_MAX = 255, RECORD_ALIGN = 8 };

enum record_kind {
    RECORD_COMMIT = 1, /* pages over what was there */
    RECORD_RESET = 2,  /* all that was there is gone; every page follows */
    RECORD_DELETE = 3, /* all that was there is gone; no page follows */
};

/* What a record says of its object. */
struct record {
    enum record_kind kind;
    struct slice class_name; /* 1 .. RECORD_CLASS_MAX bytes */
    struct oid id;
    uint64_t epoch;      /* 1 on one node */
    uint32_t page_count; /* of the database after the commit */
    uint32_t changed;    /* pages in the record */
    int64_t next_alarm;  /* ms since the Unix epoch; 0: none; -1: not known */
    int64_t dead;        /* dead letters, up to 65,534; -1: not known */
    int64_t time_ms;     /* of the commit */
    struct slice pages;  /* encoded, see record_next_page; only decoded */
};

/* Where a record stands. */
struct record_head {
    uint64_t segment; /* the segment's sequence number */
    uint64_t number;  /* of the commit: one sequence for the node */
    uint64_t base;    /* the last durable number when this was written */
    uint32_t length;  /* of the body, a multiple of RECORD_ALIGN */
    uint64_t body_sum;
};

/* Begin a record at the end of `out`; `r->changed`, `r->pages` are ignored. */
void record_begin(struct buf *out, const struct record *r);
/* Add a page of STORE_PAGE bytes: whole when `old` is NULL, else the bytes in
 * which it differs from `old`.  Returns false when there are none: the page is
 * the same as `old`, and the record need not have it. */
bool record_add_page(struct buf *out, uint32_t number, const uint8_t *page,
                     const uint8_t *old);
/* Add how page `number` was before: `old`, as the bytes in which it differs
 * from `page` (of the record_add_page just before), or whole when `page` is
 * NULL: it is cut off, or all is. */
void record_add_undo(struct buf *out, uint32_t number, const uint8_t *page,
                     const uint8_t *old);

enum record_note {
    RECORD_NOTE_PAGES = 1,   /* the database had so many before; 0: none was */
    RECORD_NOTE_RESTORE = 2, /* the commit goes back to what was */
    RECORD_NOTE_LOGGED = 3,  /* how the page of that number was is in the log */
    RECORD_NOTE_BASE = 4,    /* how the pages were that it does away with and
                                that are not here is in a file (base.h) */
};

void record_add_note(struct buf *out, enum record_note note, uint32_t value);
/* End the record that began at `start` of `out`. */
void record_end(struct buf *out, size_t start, uint32_t changed);
/* Complete the head of the record of `record_end` at `record`. */
void record_place(void *record, const struct record_head *place);

/* Read a head; false when these bytes are not the head of a record. */
bool record_read_head(const void *p, size_t n, struct record_head *out);
/* Check the body `p[0..head->length)` against its sum and decode it; slices
 * are borrowed.  Returns 0 or ERR_CORRUPT. */
int record_read_body(const struct record_head *head, const void *p,
                     struct record *out);

/* SPARSE: the differences from a page of zeros, for pages with little in them;
 * a whole image as RAW and LZ4 are, and much faster to make than LZ4's. */
enum page_form { PAGE_RAW, PAGE_LZ4, PAGE_DIFF, PAGE_SPARSE };

enum record_entry { RECORD_PAGE, RECORD_UNDO, RECORD_NOTE };

struct record_page {
    uint32_t number; /* of a note: its value */
    enum record_entry entry;
    enum record_note note; /* of a note */
    enum page_form form;   /* of a page */
    struct slice code;
};

/* Take the next page off `*pages`, passing over other entries: 1, 0 at the
 * end, or ERR_CORRUPT. */
int record_next_page(struct slice *pages, struct record_page *out);
/* The same of the next entry, whatever it is. */
int record_next_entry(struct slice *pages, struct record_page *out);
/* Whether that note is among its entries. */
bool record_has_note(const struct record *r, enum record_note note);
/* Make the page in `page[0..STORE_PAGE)`, which holds the previous version (of
 * RECORD_UNDO: the version after) when the form is PAGE_DIFF.  Returns 0 or
 * ERR_CORRUPT. */
int record_apply_page(const struct record_page *code, uint8_t *page);

#endif
