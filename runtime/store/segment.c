#include "store/segment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xxhash.h>

#include "base/mem.h"
#include "base/must.h"
#include "store/record.h"

enum {
    FREE_MAX = 2,    /* files kept for the next segments */
    SMALL = 1 << 20, /* bytes of the least that is worth a segment */
    /* Of a guest: */
    TRIES = 20,
    RETRY_MS = 50,
};

static const char magic[8] = "MKLOG001";

/* As it stands in the file; the sum is over what is before it. */
struct head_bytes {
    char magic[8];
    uint64_t sequence, oldest, previous, previous_last, sum;
};

void segment_name(uint32_t slot, char out[SEGMENT_NAME_MAX])
{
    snprintf(out, SEGMENT_NAME_MAX, "log/%08x.seg", (unsigned)slot);
}

static uint64_t head_sum(const struct head_bytes *h)
{
    return XXH3_64bits(h, offsetof(struct head_bytes, sum));
}

static int write_head(struct file *f, const struct segment_head *head)
{
    char block[SEGMENT_HEAD] = {0};
    struct head_bytes h = {.sequence = head->sequence,
                           .oldest = head->oldest,
                           .previous = head->previous,
                           .previous_last = head->previous_last};

    memcpy(h.magic, magic, sizeof(magic));
    h.sum = head_sum(&h);
    memcpy(block, &h, sizeof(h));
    const struct iovec v = {block, sizeof(block)};
    int rc = f->disk->ops->pwritev(f, &v, 1, 0);
    return rc != 0 ? rc : f->disk->ops->sync(f);
}

/* Read the head; a sequence of 0 when it is none. */
static int read_head(struct file *f, struct segment_head *out)
{
    struct head_bytes h;
    int64_t n = f->disk->ops->pread(f, &h, sizeof(h), 0);

    *out = (struct segment_head){0};
    if (n < 0)
        return (int)n;
    if (n == (int64_t)sizeof(h) && memcmp(h.magic, magic, sizeof(magic)) == 0 &&
        h.sum == head_sum(&h))
        *out = (struct segment_head){h.sequence, h.oldest, h.previous,
                                     h.previous_last};
    return 0;
}

static void add(struct segment **array, size_t *count,
                const struct segment *segment)
{
    *array = mem_realloc(*array, (*count + 1) * sizeof(**array));
    (*array)[(*count)++] = *segment;
}

static void close_file(struct segment *g)
{
    if (g->file != NULL)
        g->file->disk->ops->close(g->file);
    g->file = NULL;
}

void segments_fini(struct segments *s)
{
    for (size_t i = 0; i < s->live_count; i++)
        close_file(&s->live[i]);
    for (size_t i = 0; i < s->free_count; i++)
        close_file(&s->free[i]);
    free(s->live);
    free(s->free);
    *s = (struct segments){0};
}

static int load_slot(void *arg, const char *name, bool is_folder)
{
    struct segments *s = arg;
    struct segment g = {0};
    unsigned slot;
    char path[SEGMENT_NAME_MAX];

    if (is_folder || strlen(name) != 12 || strcmp(name + 8, ".seg") != 0 ||
        sscanf(name, "%8x", &slot) != 1)
        return 0;
    g.slot = slot;
    segment_name(slot, path);
    int rc = s->disk->ops->open(s->disk, path,
                                s->is_guest ? DISK_READ : DISK_WRITE, &g.file);
    if (rc == ERR_NOT_FOUND && s->is_guest)
        return 0; /* it was free, and has been removed */
    if (rc != 0)
        return rc;
    g.size = s->disk->ops->size(g.file);
    rc = g.size < 0 ? (int)g.size : read_head(g.file, &g.head);
    if (rc != 0)
        close_file(&g);
    else
        add(&s->free, &s->free_count, &g);
    return rc;
}

static int by_sequence(const void *a, const void *b)
{
    uint64_t x = ((const struct segment *)a)->head.sequence;
    uint64_t y = ((const struct segment *)b)->head.sequence;

    return x < y ? -1 : x > y;
}

/* The sequence of the records in a file whose head is not valid, 0: none. */
static uint64_t first_record(const struct segment *g)
{
    uint8_t bytes[RECORD_HEAD];
    struct record_head head;
    int64_t n =
        g->file->disk->ops->pread(g->file, bytes, sizeof(bytes), SEGMENT_HEAD);

    if (n < 0 || !record_read_head(bytes, (size_t)n, &head))
        return 0;
    return head.segment;
}

static int check_heads(const struct segments *s, uint64_t oldest,
                       struct error *err)
{
    for (size_t i = 0; i < s->free_count; i++) {
        const struct segment *g = &s->free[i];
        char name[SEGMENT_NAME_MAX];

        if (g->head.sequence != 0 || first_record(g) == 0 ||
            first_record(g) < oldest)
            continue;
        segment_name(g->slot, name);
        return error_set(err, ERR_CORRUPT,
                         "damaged head of segment %s at offset 0; `moonkeep "
                         "verify` shows what is affected, `moonkeep restore` "
                         "goes back to a backup",
                         name);
    }
    return 0;
}

/* Move the segment with that sequence from `free` to `live`. */
static bool pick(struct segments *s, uint64_t sequence)
{
    for (size_t i = 0; i < s->free_count; i++) {
        if (s->free[i].head.sequence != sequence)
            continue;
        add(&s->live, &s->live_count, &s->free[i]);
        s->free[i] = s->free[--s->free_count];
        return true;
    }
    return false;
}

/* Move what is needed from `free` to `live`: from the newest back. */
static int pick_live(struct segments *s, uint64_t at_least, struct error *err)
{
    uint64_t newest = 0;
    uint64_t oldest = 0;

    for (size_t i = 0; i < s->free_count; i++) {
        const struct segment_head *h = &s->free[i].head;

        if (h->sequence > newest) {
            newest = h->sequence;
            oldest = h->oldest;
        }
    }
    oldest = oldest < at_least ? at_least : oldest;
    s->next = newest + 1;
    if (check_heads(s, oldest, err) != 0)
        return ERR_CORRUPT;
    for (uint64_t at = newest; at != 0 && at >= oldest;
         at = s->live[s->live_count - 1].head.previous)
        if (!pick(s, at))
            return error_set(err, ERR_CORRUPT,
                             "the log's segment number %llu is missing from "
                             "log/; `moonkeep restore` goes back to a backup",
                             (unsigned long long)at);
    if (s->live_count != 0)
        qsort(s->live, s->live_count, sizeof(*s->live), by_sequence);
    for (size_t i = 0; i + 1 < s->live_count; i++)
        s->live[i].last = s->live[i + 1].head.previous_last;
    return 0;
}

int segments_load(struct segments *s, struct disk *disk, int64_t bytes,
                  struct error *err)
{
    *s = (struct segments){.disk = disk, .bytes = bytes};
    int rc = disk->ops->list(disk, "log", load_slot, s);
    if (rc != 0 && rc != ERR_NOT_FOUND)
        return error_set(err, rc, "cannot read the folder log: %s",
                         err_text(rc));
    return pick_live(s, 0, err);
}

static int load_guest(struct segments *s, struct disk *disk, uint64_t oldest,
                      struct error *err)
{
    *s = (struct segments){.disk = disk, .is_guest = true};
    int rc = disk->ops->list(disk, "log", load_slot, s);
    if (rc != 0)
        return error_set(err, rc, "cannot read the folder log: %s",
                         err_text(rc));
    return pick_live(s, oldest, err);
}

/* The head of a segment that is being claimed may be half written. */
int segments_load_guest(struct segments *s, struct disk *disk, uint64_t oldest,
                        struct error *err)
{
    const struct timespec pause = {.tv_nsec = RETRY_MS * 1000000};
    int rc = ERR_CORRUPT;

    for (int i = 0; i < TRIES && rc == ERR_CORRUPT; i++) {
        if (i != 0)
            nanosleep(&pause, NULL);
        rc = load_guest(s, disk, oldest, err);
        if (rc != 0)
            segments_fini(s);
    }
    return rc;
}

static bool slot_is_used(const struct segments *s, uint32_t slot)
{
    for (size_t i = 0; i < s->live_count; i++)
        if (s->live[i].slot == slot)
            return true;
    for (size_t i = 0; i < s->free_count; i++)
        if (s->free[i].slot == slot)
            return true;
    return false;
}

/* Make a file with all its space; without space none is left behind. */
static int make_file(struct segments *s, int64_t size, struct segment *out)
{
    const struct disk_ops *ops = s->disk->ops;
    char name[SEGMENT_NAME_MAX];

    *out = (struct segment){.slot = 1, .size = size};
    while (slot_is_used(s, out->slot))
        out->slot++;
    segment_name(out->slot, name);
    int rc = ops->open(s->disk, name, DISK_WRITE | DISK_CREATE, &out->file);
    if (rc != 0)
        return rc;
    rc = ops->allocate(out->file, size);
    if (rc == 0)
        rc = ops->sync(out->file);
    if (rc == 0)
        rc = ops->sync_folder(s->disk, "log");
    if (rc == 0)
        rc = ops->sync_folder(s->disk, "");
    if (rc != 0) {
        close_file(out);
        ops->remove(s->disk, name);
    }
    return rc;
}

/* A free file of at least `size` bytes, or a new one. */
static int take_file(struct segments *s, int64_t size, struct segment *out)
{
    for (size_t i = 0; i < s->free_count; i++) {
        if (s->free[i].size < size)
            continue;
        *out = s->free[i];
        s->free[i] = s->free[--s->free_count];
        return 0;
    }
    return make_file(s, size, out);
}

/* At least `size` bytes: where there is no space for a whole segment a small
 * one will do, as those that are no longer needed can be used after it. */
static int take_room(struct segments *s, int64_t size, struct segment *out)
{
    int64_t wanted = size > s->bytes ? size : s->bytes;
    int rc = take_file(s, wanted, out);

    while (rc == ERR_FULL && wanted > size && wanted > SMALL) {
        wanted = wanted / 4 > size ? wanted / 4 : size;
        rc = take_file(s, wanted, out);
    }
    return rc;
}

int segments_claim(struct segments *s, uint64_t oldest, uint64_t last,
                   int64_t need, struct segment *out)
{
    int64_t size = need + SEGMENT_HEAD;
    struct segment_head head = {
        .sequence = s->next, .oldest = oldest, .previous_last = last};

    if (s->live_count != 0)
        head.previous = s->live[s->live_count - 1].head.sequence;
    int rc = take_room(s, size, out);
    if (rc != 0)
        return rc;
    s->next++;
    s->is_ended = true;
    rc = write_head(out->file, &head);
    if (rc != 0) {
        add(&s->free, &s->free_count, out);
        return rc;
    }
    out->head = head;
    return 0;
}

void segments_push(struct segments *s, const struct segment *segment)
{
    if (s->live_count != 0)
        s->live[s->live_count - 1].last = segment->head.previous_last;
    add(&s->live, &s->live_count, segment);
    s->is_ended = false;
}

void segments_trim(struct segments *s)
{
    size_t kept = 0;

    for (size_t i = 0; i < s->free_count; i++) {
        char name[SEGMENT_NAME_MAX];

        if (kept < FREE_MAX && s->free[i].size == s->bytes) {
            s->free[kept++] = s->free[i];
            continue;
        }
        segment_name(s->free[i].slot, name);
        close_file(&s->free[i]);
        s->disk->ops->remove(s->disk, name);
    }
    s->free_count = kept;
}

void segments_retire(struct segments *s, uint64_t oldest)
{
    size_t n = 0;

    while (n + 1 < s->live_count && s->live[n].head.sequence < oldest)
        add(&s->free, &s->free_count, &s->live[n++]);
    s->live_count -= n;
    memmove(s->live, s->live + n, s->live_count * sizeof(*s->live));
}
