#include "store/record.h"

#include <lz4.h>
#include <string.h>
#include <xxhash.h>

#include "base/err.h"
#include "base/must.h"
#include "store/overlay.h"

enum {
    MAGIC = 0x31524b4d, /* "MKR1" */
    HEAD_LENGTH = 4,
    HEAD_SEGMENT = 8,
    HEAD_NUMBER = 16,
    HEAD_BASE = 24,
    HEAD_BODY_SUM = 32,
    HEAD_SUM = 40,
    BODY_KIND = 0,
    BODY_CLASS = 1, /* length of the class name */
    BODY_DEAD = 2,
    BODY_PAGE_SIZE = 4,
    BODY_PAGE_COUNT = 8,
    BODY_CHANGED = 12,
    BODY_EPOCH = 16,
    BODY_ALARM = 24,
    BODY_TIME = 32,
    BODY_ID = 40,
    BODY_FIXED = 72,
    PAGE_ENTRY_MAX = 5 + 1 + 5 + STORE_PAGE,
    DEAD_UNKNOWN = 0xffff,
    DIFF_GOOD = 1024, /* a longer difference is measured against LZ4 */
    /* Of an entry, with the form of the page: */
    ENTRY_UNDO = 0x10,
    ENTRY_NOTE = 0x20, /* with the note */
    ENTRY_WHAT = 0x0f,
};

static void put32(uint8_t *p, uint32_t v)
{
    memcpy(p, &v, sizeof(v));
}

static void put64(uint8_t *p, uint64_t v)
{
    memcpy(p, &v, sizeof(v));
}

/* Sixteen bits are enough to tell whether there are some, and how many. */
static void put_dead(uint8_t *p, int64_t dead)
{
    uint16_t v = dead < 0               ? DEAD_UNKNOWN
                 : dead >= DEAD_UNKNOWN ? DEAD_UNKNOWN - 1
                                        : (uint16_t)dead;

    memcpy(p, &v, sizeof(v));
}

static int64_t get_dead(const uint8_t *p)
{
    uint16_t v;

    memcpy(&v, p, sizeof(v));
    return v == DEAD_UNKNOWN ? -1 : v;
}

static uint32_t get32(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

static uint64_t get64(const uint8_t *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

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

void record_begin(struct buf *out, const struct record *r)
{
    uint8_t *p = (uint8_t *)buf_room(out, RECORD_HEAD + BODY_FIXED);
    uint8_t *body = p + RECORD_HEAD;

    MUST(r->class_name.n >= 1 && r->class_name.n <= RECORD_CLASS_MAX);
    memset(p, 0, RECORD_HEAD + BODY_FIXED);
    body[BODY_KIND] = (uint8_t)r->kind;
    body[BODY_CLASS] = (uint8_t)r->class_name.n;
    put_dead(body + BODY_DEAD, r->dead);
    put32(body + BODY_PAGE_SIZE, STORE_PAGE);
    put32(body + BODY_PAGE_COUNT, r->page_count);
    put64(body + BODY_EPOCH, r->epoch);
    put64(body + BODY_ALARM, (uint64_t)r->next_alarm);
    put64(body + BODY_TIME, (uint64_t)r->time_ms);
    memcpy(body + BODY_ID, r->id.b, OID_SIZE);
    out->n += RECORD_HEAD + BODY_FIXED;
    buf_add_slice(out, r->class_name);
}

static uint64_t word(const uint8_t *p)
{
    return get64(p);
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

    put32(code, value);
    add_entry(out, 1, (int)note | ENTRY_NOTE, code, sizeof(code));
}

void record_end(struct buf *out, size_t start, uint32_t changed)
{
    size_t pad =
        (RECORD_ALIGN - (out->n - start) % RECORD_ALIGN) % RECORD_ALIGN;

    memset(buf_room(out, RECORD_ALIGN), 0, pad);
    out->n += pad;
    uint8_t *head = (uint8_t *)out->p + start;
    size_t length = out->n - start - RECORD_HEAD;
    MUST(length <= UINT32_MAX);
    put32(head + RECORD_HEAD + BODY_CHANGED, changed);
    put32(head, MAGIC);
    put32(head + HEAD_LENGTH, (uint32_t)length);
    put64(head + HEAD_BODY_SUM, XXH3_64bits(head + RECORD_HEAD, length));
}

void record_place(void *record, const struct record_head *place)
{
    uint8_t *head = record;

    put64(head + HEAD_SEGMENT, place->segment);
    put64(head + HEAD_NUMBER, place->number);
    put64(head + HEAD_BASE, place->base);
    put64(head + HEAD_SUM, XXH3_64bits(head, HEAD_SUM));
}

bool record_read_head(const void *p, size_t n, struct record_head *out)
{
    const uint8_t *head = p;

    *out = (struct record_head){0};
    if (n < RECORD_HEAD || get32(head) != MAGIC ||
        get64(head + HEAD_SUM) != XXH3_64bits(head, HEAD_SUM))
        return false;
    *out = (struct record_head){
        .segment = get64(head + HEAD_SEGMENT),
        .number = get64(head + HEAD_NUMBER),
        .base = get64(head + HEAD_BASE),
        .length = get32(head + HEAD_LENGTH),
        .body_sum = get64(head + HEAD_BODY_SUM),
    };
    return true;
}

int record_read_body(const struct record_head *head, const void *p,
                     struct record *out)
{
    const uint8_t *body = p;

    *out = (struct record){0};
    if (head->length < BODY_FIXED ||
        XXH3_64bits(body, head->length) != head->body_sum)
        return ERR_CORRUPT;
    size_t class_length = body[BODY_CLASS];
    size_t fixed = BODY_FIXED + class_length;
    if (class_length == 0 || fixed > head->length ||
        get32(body + BODY_PAGE_SIZE) != STORE_PAGE ||
        body[BODY_KIND] < RECORD_COMMIT || body[BODY_KIND] > RECORD_DELETE)
        return ERR_CORRUPT;
    *out = (struct record){
        .kind = body[BODY_KIND],
        .class_name = {(const char *)body + BODY_FIXED, class_length},
        .epoch = get64(body + BODY_EPOCH),
        .page_count = get32(body + BODY_PAGE_COUNT),
        .changed = get32(body + BODY_CHANGED),
        .next_alarm = (int64_t)get64(body + BODY_ALARM),
        .dead = get_dead(body + BODY_DEAD),
        .time_ms = (int64_t)get64(body + BODY_TIME),
        .pages = {(const char *)body + fixed, head->length - fixed},
    };
    memcpy(out->id.b, body + BODY_ID, OID_SIZE);
    return 0;
}

static bool read_note(struct record_page *out, unsigned what)
{
    out->entry = RECORD_NOTE;
    out->note = what;
    if (what < RECORD_NOTE_PAGES || what > RECORD_NOTE_BASE || out->code.n != 4)
        return false;
    out->number = get32((const uint8_t *)out->code.p);
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
