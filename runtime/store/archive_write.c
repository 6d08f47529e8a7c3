#include <lz4.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/buf.h"
#include "base/mem.h"
#include "store/archive_inside.h"
#include "store/scan.h"

enum { BLOCK = 1 << 18, WRITE = 1 << 20 };

/* A record of the segment. */
struct ref {
    struct oid id;
    uint64_t number, body_sum;
    int64_t at; /* of the body */
    uint32_t length;
};

struct making {
    struct file *from, *to;
    struct archive_footer footer;
    struct ref *refs;
    size_t n, cap;
    int64_t at;       /* bytes written to `to` */
    struct buf out;   /* to be written next */
    struct buf block; /* plain */
    struct buf index;
};

static void add_ref(struct making *m, const struct ref *ref)
{
    if (m->n == m->cap) {
        m->cap = m->cap == 0 ? 1024 : m->cap * 2;
        m->refs = mem_realloc(m->refs, m->cap * sizeof(*m->refs));
    }
    m->refs[m->n++] = *ref;
}

/* Note where the records of segment `index` are. */
static int collect(struct making *m, const struct segments *segments,
                   size_t index, struct error *err)
{
    struct scan scan;
    struct record_head head;
    struct record r;
    int rc;

    scan_init(&scan, segments, NULL);
    scan.index = index;
    scan.last = segments->live[index].head.previous_last;
    while ((rc = scan_next(&scan, &head, &r, err)) > 0 && scan.index == index) {
        add_ref(m, &(struct ref){.id = r.id,
                                 .number = head.number,
                                 .body_sum = head.body_sum,
                                 .at = scan.at - (int64_t)head.length,
                                 .length = head.length});
        m->footer.last = head.number;
        m->footer.last_ms = r.time_ms;
        if (m->footer.first_ms == 0)
            m->footer.first_ms = r.time_ms;
    }
    scan_fini(&scan);
    return rc < 0 ? rc : 0;
}

static int by_object(const void *a, const void *b)
{
    const struct ref *x = a;
    const struct ref *y = b;
    int order = memcmp(x->id.b, y->id.b, OID_SIZE);

    if (order != 0)
        return order;
    return x->number < y->number ? -1 : x->number > y->number;
}

static int write_out(struct making *m)
{
    const struct iovec v = {m->out.p, m->out.n};
    int rc =
        v.iov_len == 0 ? 0 : m->to->disk->ops->pwritev(m->to, &v, 1, m->at);

    if (rc == 0)
        m->at += (int64_t)v.iov_len;
    m->out.n = 0;
    return rc;
}

static int end_block(struct making *m, const struct oid *id)
{
    if (m->block.n > LZ4_MAX_INPUT_SIZE)
        return ERR_TOO_BIG;
    int plain = (int)m->block.n;
    struct archive_entry e = {.at = (uint64_t)m->at + m->out.n,
                              .plain = (uint32_t)plain};
    int room = LZ4_compressBound(plain);
    char *to = buf_room(&m->out, (size_t)room);

    memcpy(e.id, id->b, OID_SIZE);
    e.packed = (uint32_t)LZ4_compress_default(m->block.p, to, plain, room);
    e.sum = XXH3_64bits(to, e.packed);
    e.own_sum = archive_entry_sum(&e);
    m->out.n += e.packed;
    m->block.n = 0;
    buf_add(&m->index, &e, sizeof(e));
    m->footer.index_n++;
    return m->out.n < WRITE ? 0 : write_out(m);
}

static int add_record(struct making *m, const struct ref *ref)
{
    struct archive_part part = {.number = ref->number,
                                .body_sum = ref->body_sum,
                                .length = ref->length};

    buf_add(&m->block, &part, sizeof(part));
    int64_t n = m->from->disk->ops->pread(
        m->from, buf_room(&m->block, ref->length), ref->length, ref->at);
    if (n != (int64_t)ref->length)
        return n < 0 ? (int)n : ERR_CORRUPT;
    m->block.n += ref->length;
    return 0;
}

static int write_blocks(struct making *m)
{
    int rc = 0;

    for (size_t i = 0; i < m->n && rc == 0; i++) {
        bool is_last =
            i + 1 == m->n || !oid_eq(&m->refs[i].id, &m->refs[i + 1].id);

        rc = add_record(m, &m->refs[i]);
        if (rc == 0 && (is_last || m->block.n >= BLOCK))
            rc = end_block(m, &m->refs[i].id);
    }
    return rc;
}

static int write_end(struct making *m)
{
    m->footer.index_at = (uint64_t)m->at + m->out.n;
    buf_add_slice(&m->out, buf_slice(&m->index));
    memcpy(m->footer.magic, archive_magic, sizeof(archive_magic));
    m->footer.sum = archive_sum(&m->footer);
    buf_add(&m->out, &m->footer, sizeof(m->footer));
    return write_out(m);
}

static int make(struct making *m, struct disk *d)
{
    char name[ARCHIVE_NAME_MAX];
    int rc = d->ops->open(d, ARCHIVE_MAKING, DISK_WRITE | DISK_CREATE, &m->to);

    if (rc != 0)
        return rc;
    rc = d->ops->truncate(m->to, 0);
    if (rc == 0)
        rc = write_blocks(m);
    if (rc == 0)
        rc = write_end(m);
    if (rc == 0)
        rc = d->ops->sync(m->to);
    d->ops->close(m->to);
    archive_name(m->footer.sequence, name);
    if (rc == 0)
        rc = d->ops->rename(d, ARCHIVE_MAKING, name);
    if (rc == 0)
        rc = d->ops->sync_folder(d, ARCHIVE_FOLDER);
    if (rc != 0)
        d->ops->remove(d, ARCHIVE_MAKING);
    return rc;
}

static bool is_kept(struct disk *d, uint64_t sequence)
{
    char name[ARCHIVE_NAME_MAX];
    struct file *f;

    archive_name(sequence, name);
    if (d->ops->open(d, name, DISK_READ, &f) != 0)
        return false;
    d->ops->close(f);
    return true;
}

int archive_segment(struct disk *d, const struct segments *segments,
                    size_t index, struct error *err)
{
    const struct segment *g = &segments->live[index];
    struct making m = {.from = g->file,
                       .footer = {.sequence = g->head.sequence,
                                  .previous = g->head.previous,
                                  .before = g->head.previous_last,
                                  .last = g->head.previous_last}};

    if (is_kept(d, g->head.sequence))
        return 0;
    int rc = collect(&m, segments, index, err);
    if (rc == 0) {
        if (m.n != 0)
            qsort(m.refs, m.n, sizeof(*m.refs), by_object);
        rc = make(&m, d);
        if (rc != 0)
            error_set(err, rc, "cannot write into the folder history: %s",
                      err_text(rc));
    }
    free(m.refs);
    buf_fini(&m.out);
    buf_fini(&m.block);
    buf_fini(&m.index);
    return rc;
}
