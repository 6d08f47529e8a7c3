/* The entries of a record: pages, how pages were, notes. */
#include <lz4.h>
#include <string.h>

#include "base/err.h"
#include "store/overlay.h"
#include "store/record.h"

enum {
    PAGE_ENTRY_MAX = 5 + 1 + 5 + STORE_PAGE,
    DIFF_GOOD = 1024, /* a longer difference is measured against LZ4 */
    /* Of an entry, with the form of the page: */
    ENTRY_UNDO = 0x10,
    ENTRY_NOTE = 0x20, /* with the note */
    ENTRY_WHAT = 0x0f,
};

static uint8_t *put_varint(uint8_t *p, uint32_t v)
{
    for (; v >= 0x80; v >>= 7)
        *p++ = (uint8_t)(v | 0x80);
    *p++ = (uint8_t)v;
    return p;
}

static bool take_varint(struct slice *s, uint32_t *out)
{
    uint64_t v = 0;

    for (unsigned shift = 0; shift < 35; shift += 7) {
        if (s->n == 0)
            return false;
        uint8_t byte = (uint8_t)s->p[0];

        s->p++;
        s->n--;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *out = (uint32_t)v;
            return v <= UINT32_MAX;
        }
    }
    return false;
}

static uint64_t word(const uint8_t *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

/* The first byte from `at` on where the pages differ, or STORE_PAGE. */
static size_t next_difference(const uint8_t *a, const uint8_t *b, size_t at)
{
    while (at < STORE_PAGE && at % 8 != 0 && a[at] == b[at])
        at++;
    if (at % 8 != 0)
        return at;
    /* memcmp compares more at once than plain C does. */
    while (at + 256 <= STORE_PAGE && memcmp(a + at, b + at, 256) == 0)
        at += 256;
    while (at < STORE_PAGE && word(a + at) == word(b + at))
        at += 8;
    while (at < STORE_PAGE && a[at] == b[at])
        at++;
    return at;
}

/* The end of the run of differences at `at`: eight equal bytes end it, as
 * fewer cost more to skip than to repeat. */
static size_t end_of_run(const uint8_t *a, const uint8_t *b, size_t at)
{
    size_t end = at + 1;

    for (size_t i = end; i < STORE_PAGE && i < end + 8; i++)
        if (a[i] != b[i])
            end = i + 1;
    return end;
}

/* Runs of [bytes skipped][length][bytes] in `out`, at most `max` bytes of
 * them.  `*n` is their length; false when they are longer. */
static bool encode_diff(uint8_t *out, size_t max, const uint8_t *page,
                        const uint8_t *old, size_t *n)
{
    uint8_t *p = out;
    size_t done = 0;

    for (size_t at = next_difference(page, old, 0); at < STORE_PAGE;
         at = next_difference(page, old, done)) {
        size_t end = end_of_run(page, old, at);

        if ((size_t)(p - out) + 4 + (end - at) > max)
            return false;
        p = put_varint(p, (uint32_t)(at - done));
        p = put_varint(p, (uint32_t)(end - at));
        memcpy(p, page + at, end - at);
        p += end - at;
        done = end;
    }
    *n = (size_t)(p - out);
    return true;
}

static size_t encode_lz4(uint8_t *out, size_t max, const uint8_t *page)
{
    return (size_t)LZ4_compress_default((const char *)page, (char *)out,
                                        STORE_PAGE, (int)max);
}

static const uint8_t zeros[STORE_PAGE];

/* The shortest form of the page in `code`; returns its length. */
static size_t encode_page(uint8_t *code, enum page_form *form,
                          const uint8_t *page, const uint8_t *old)
{
    size_t n = 0;

    *form = PAGE_DIFF;
    if (old != NULL && encode_diff(code, DIFF_GOOD, page, old, &n))
        return n;
    *form = PAGE_SPARSE;
    if (encode_diff(code, DIFF_GOOD, page, zeros, &n))
        return n;
    *form = PAGE_LZ4;
    n = encode_lz4(code, STORE_PAGE - 1, page);
    if (n != 0)
        return n;
    *form = PAGE_RAW;
    memcpy(code, page, STORE_PAGE);
    return STORE_PAGE;
}

static void add_entry(struct buf *out, uint32_t number, int what,
                      const uint8_t *code, size_t n)
{
    uint8_t *p = (uint8_t *)buf_room(out, PAGE_ENTRY_MAX);
    uint8_t *end = put_varint(p, number);

    *end++ = (uint8_t)what;
    end = put_varint(end, (uint32_t)n);
    if (n != 0)
        memcpy(end, code, n);
    out->n += (size_t)(end + n - p);
}

bool record_add_page(struct buf *out, uint32_t number, const uint8_t *page,
                     const uint8_t *old)
{
    uint8_t code[STORE_PAGE];
    enum page_form form;
    size_t n = encode_page(code, &form, page, old);

    add_entry(out, number, (int)form, code, n);
    return form != PAGE_DIFF || n != 0;
}

void record_add_undo(struct buf *out, uint32_t number, const uint8_t *page,
                     const uint8_t *old)
{
    uint8_t code[STORE_PAGE];
    enum page_form form;
    size_t n = encode_page(code, &form, old, page);

    add_entry(out, number, (int)form | ENTRY_UNDO, code, n);
}

/* No entry has the number 0, which ends them. */
void record_add_note(struct buf *out, enum record_note note, uint32_t value)
{
    uint8_t code[4];

    memcpy(code, &value, sizeof(code));
    add_entry(out, 1, (int)note | ENTRY_NOTE, code, sizeof(code));
}

static bool read_note(struct record_page *out, unsigned what)
{
    out->entry = RECORD_NOTE;
    out->note = what;
    if (what < RECORD_NOTE_PAGES || what > RECORD_NOTE_BASE || out->code.n != 4)
        return false;
    memcpy(&out->number, out->code.p, sizeof(out->number));
    return true;
}

static bool read_what(struct record_page *out, unsigned what)
{
    if ((what & ENTRY_NOTE) != 0)
        return read_note(out, what & ENTRY_WHAT);
    out->entry = (what & ENTRY_UNDO) != 0 ? RECORD_UNDO : RECORD_PAGE;
    out->form = what & ENTRY_WHAT;
    return out->form <= PAGE_SPARSE;
}

int record_next_page(struct slice *pages, struct record_page *out)
{
    int rc;

    do {
        rc = record_next_entry(pages, out);
    } while (rc > 0 && out->entry != RECORD_PAGE);
    return rc;
}

int record_next_entry(struct slice *pages, struct record_page *out)
{
    uint32_t length;

    *out = (struct record_page){0};
    /* What is left at the end are the zeros of the alignment, and no page
     * has the number 0. */
    if (pages->n == 0 || pages->p[0] == 0)
        return 0;
    if (!take_varint(pages, &out->number) || pages->n == 0)
        return ERR_CORRUPT;
    unsigned what = (uint8_t)pages->p[0];
    pages->p++;
    pages->n--;
    if (!take_varint(pages, &length) || length > pages->n)
        return ERR_CORRUPT;
    out->code = (struct slice){pages->p, length};
    pages->p += length;
    pages->n -= length;
    return read_what(out, what) ? 1 : ERR_CORRUPT;
}

bool record_has_note(const struct record *r, enum record_note note)
{
    struct slice entries = r->pages;
    struct record_page e;

    while (record_next_entry(&entries, &e) > 0)
        if (e.entry == RECORD_NOTE && e.note == note)
            return true;
    return false;
}

static int apply_diff(struct slice code, uint8_t *page)
{
    size_t at = 0;

    while (code.n != 0) {
        uint32_t skip;
        uint32_t length;

        if (!take_varint(&code, &skip) || !take_varint(&code, &length) ||
            length > code.n || (uint64_t)at + skip + length > STORE_PAGE)
            return ERR_CORRUPT;
        at += skip;
        memcpy(page + at, code.p, length);
        at += length;
        code.p += length;
        code.n -= length;
    }
    return 0;
}

int record_apply_page(const struct record_page *code, uint8_t *page)
{
    if (code->form == PAGE_DIFF)
        return apply_diff(code->code, page);
    if (code->form == PAGE_SPARSE) {
        memset(page, 0, STORE_PAGE);
        return apply_diff(code->code, page);
    }
    if (code->form == PAGE_LZ4) {
        int n = LZ4_decompress_safe(code->code.p, (char *)page,
                                    (int)code->code.n, STORE_PAGE);

        return n == STORE_PAGE ? 0 : ERR_CORRUPT;
    }
    if (code->code.n != STORE_PAGE)
        return ERR_CORRUPT;
    memcpy(page, code->code.p, STORE_PAGE);
    return 0;
}
