#include "store/record.h"

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
    DEAD_UNKNOWN = 0xffff,
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
