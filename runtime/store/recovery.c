#include "store/recovery.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/base.h"
#include "store/inside.h"
#include "store/scan.h"

enum {
    BUCKETS = 4096,
    PAGES_MAX = 65536, /* held in memory before files are written: 256 MiB */
};

/* An object as the log tells of it so far. */
struct replayed {
    struct replayed *next;
    struct oid id;
    struct overlay pages; /* a page that was written out is NULL */
    uint32_t page_count;
    bool exists, is_reset;
    bool is_dirty;             /* the file is behind */
    bool was_gone;             /* and may have come back */
    int64_t first_ms, last_ms; /* its commits */
    int64_t next_alarm, dead;  /* -1: not known */
    char *path;                /* owned */
    char class_name[RECORD_CLASS_MAX + 1];
};

struct replay {
    const struct recovery *config;
    struct disk *disk;
    struct replayed *buckets[BUCKETS];
    uint64_t pages_held;
};

static struct replayed *object_of(struct replay *r, const struct record *rec)
{
    struct replayed **at = &r->buckets[oid_hash(&rec->id) % BUCKETS];

    for (struct replayed *o = *at; o != NULL; o = o->next)
        if (oid_eq(&o->id, &rec->id) &&
            slice_eq(slice_of(o->class_name), rec->class_name))
            return o;
    struct replayed *o = mem_zalloc(sizeof(*o));
    o->id = rec->id;
    o->first_ms = rec->time_ms;
    o->next_alarm = o->dead = -1;
    memcpy(o->class_name, rec->class_name.p, rec->class_name.n);
    o->path = pagefile_path(o->class_name, &o->id);
    o->next = *at;
    *at = o;
    return o;
}

static int read_page(struct replay *r, const struct replayed *o,
                     uint32_t number, uint8_t *out)
{
    struct file *file;
    int rc = r->disk->ops->open(r->disk, o->path, DISK_READ, &file);

    if (rc != 0)
        return rc;
    int64_t n = r->disk->ops->pread(file, out, STORE_PAGE,
                                    (int64_t)(number - 1) * STORE_PAGE);
    r->disk->ops->close(file);
    if (n < 0)
        return (int)n;
    memset(out + n, 0, STORE_PAGE - (size_t)n);
    return 0;
}

/* Bring one page up to `code`.  Differences to a page that the log has no
 * whole image of are in the file already: its image was in a segment that
 * could be freed because the object had been checkpointed since. */
static int replay_page(struct replay *r, struct replayed *o,
                       const struct record_page *code)
{
    bool is_known = overlay_has(&o->pages, code->number);
    struct page *p = overlay_get(&o->pages, code->number);
    int rc = 0;

    if (code->form == PAGE_DIFF && !is_known)
        return 0;
    if (p == NULL) {
        p = page_new();
        overlay_put(&o->pages, code->number, p);
        r->pages_held++;
        if (code->form == PAGE_DIFF)
            rc = read_page(r, o, code->number, p->bytes);
    }
    return rc != 0 ? rc : record_apply_page(code, p->bytes);
}

/* Forget pages behind the end of the database. */
static void cut(struct replay *r, struct replayed *o, uint32_t page_count)
{
    for (uint32_t n = page_count + 1; n <= o->page_count; n++) {
        struct page *p = overlay_take(&o->pages, n);

        r->pages_held -= p != NULL;
        page_drop(p);
    }
    o->page_count = page_count;
}

/* What the record says of the object besides its pages. */
static void replay_facts(struct replayed *o, const struct record *rec)
{
    if (rec->kind == RECORD_DELETE)
        o->was_gone = true;
    if (!o->exists)
        o->first_ms = rec->time_ms;
    o->last_ms = rec->time_ms;
    o->exists = rec->kind != RECORD_DELETE;
    if (rec->next_alarm != -1)
        o->next_alarm = rec->next_alarm;
    if (rec->dead != -1)
        o->dead = rec->dead;
}

static bool is_wanted(const struct recovery *c, const struct record *rec)
{
    return c->id == NULL ||
           (oid_eq(c->id, &rec->id) &&
            slice_eq(slice_of(c->class_name), rec->class_name));
}

/* Write what the object's file lacks; its pages are known but not held then. */
static int write_out(struct replay *r, struct replayed *o)
{
    if (!o->is_dirty)
        return 0;
    struct checkpoint *p = checkpoint_new(&o->pages);
    p->path = mem_dup(o->path, strlen(o->path));
    p->page_count = o->page_count;
    p->exists = o->exists;
    p->is_reset = o->is_reset;
    int rc = checkpoint_write(r->disk, p);
    checkpoint_free(p);
    if (rc != 0)
        return rc;
    for (uint32_t i = 0; i < o->pages.cap; i++) {
        r->pages_held -= o->pages.slots[i].page != NULL;
        page_drop(o->pages.slots[i].page);
        o->pages.slots[i].page = NULL;
    }
    o->is_dirty = false;
    o->is_reset = false;
    return 0;
}

/* What the record resets stays as it was, where history needs it. */
static int keep_base(struct replay *r, struct replayed *o, uint64_t number,
                     const struct record *rec)
{
    if (!r->config->keeps_bases || !record_has_note(rec, RECORD_NOTE_BASE))
        return 0;
    char *base = base_path(&o->id, number);
    int rc = base_is_kept(r->disk, base);
    if (rc == 0) {
        rc = write_out(r, o);
        if (rc == 0)
            rc = base_keep(r->disk, o->path, base);
    }
    free(base);
    return rc < 0 ? rc : 0;
}

/* All that was there is gone. */
static int replay_reset(struct replay *r, struct replayed *o, uint64_t number,
                        const struct record *rec)
{
    int rc = keep_base(r, o, number, rec);

    if (rc != 0)
        return rc;
    cut(r, o, 0);
    overlay_fini(&o->pages);
    o->is_reset = true;
    return 0;
}

static int replay_record(struct replay *r, uint64_t number,
                         const struct record *rec)
{
    struct replayed *o;
    struct record_page code;
    struct slice pages = rec->pages;
    int rc;

    if (!classes_is_name(rec->class_name))
        return ERR_CORRUPT;
    if (!is_wanted(r->config, rec))
        return 0;
    o = object_of(r, rec);
    rc = rec->kind == RECORD_COMMIT ? 0 : replay_reset(r, o, number, rec);
    if (rc != 0)
        return rc;
    o->is_dirty = true;
    replay_facts(o, rec);
    while ((rc = record_next_page(&pages, &code)) > 0) {
        rc = replay_page(r, o, &code);
        if (rc != 0)
            return rc;
    }
    cut(r, o, rec->page_count);
    return rc;
}

static int write_all(struct replay *r, struct error *err)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct replayed *o = r->buckets[i]; o != NULL; o = o->next) {
            int rc = write_out(r, o);

            if (rc != 0)
                return error_set(err, rc, "cannot write %s: %s", o->path,
                                 err_text(rc));
        }
    }
    return 0;
}

/* Its name, where the directory has never heard of it, comes later. */
static void note_object(struct directory *d, const struct replayed *o)
{
    struct directory_entry e = {.class_name = slice_of(o->class_name),
                                .id = o->id,
                                .created = o->first_ms,
                                .last_commit = o->last_ms,
                                .bytes = (int64_t)o->page_count * STORE_PAGE,
                                .next_alarm = o->next_alarm,
                                .dead = o->dead};
    unsigned known = DIRECTORY_SIZE;

    known |= o->next_alarm != -1 ? DIRECTORY_ALARM : 0;
    known |= o->dead != -1 ? DIRECTORY_DEAD : 0;
    if (o->was_gone || !o->exists)
        directory_note(d, &e, DIRECTORY_GONE);
    if (o->exists)
        directory_note(d, &e, known);
}

static int note_all(struct replay *r, struct directory *d, struct error *err)
{
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct replayed *o = r->buckets[i]; o != NULL; o = o->next)
            note_object(d, o);
    return directory_flush(d, err);
}

static void replay_free(struct replay *r)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct replayed *o = r->buckets[i], *next; o != NULL; o = next) {
            next = o->next;
            overlay_fini(&o->pages);
            free(o->path);
            free(o);
        }
    }
    free(r);
}

static int replay_log(struct replay *r, struct scan *scan,
                      struct recovery_report *out, struct error *err)
{
    struct record_head head;
    struct record rec;
    int rc = 0;

    /* What is behind may be in the midst of being written. */
    while (scan->last < r->config->upto &&
           (rc = scan_next(scan, &head, &rec, err)) > 0) {
        if (head.number > r->config->upto)
            break;
        rc = replay_record(r, head.number, &rec);
        if (rc != 0)
            return error_set(err, rc,
                             "cannot replay commit %llu: %s; `moonkeep "
                             "verify` shows what is affected",
                             (unsigned long long)head.number, err_text(rc));
        out->records++;
        if (r->pages_held > PAGES_MAX && (rc = write_all(r, err)) != 0)
            return rc;
    }
    out->last = scan->last;
    return rc < 0 ? rc : 0;
}

int recovery_run(const struct recovery *config, struct recovery_report *out,
                 struct error *err)
{
    struct replay *r = mem_zalloc(sizeof(*r));
    struct scan scan;

    *out = (struct recovery_report){0};
    r->config = config;
    r->disk = config->disk;
    scan_init(&scan, config->segments, config->logger);
    int rc = replay_log(r, &scan, out, err);
    if (rc == 0)
        rc = write_all(r, err);
    if (rc == 0 && config->directory != NULL)
        rc = note_all(r, config->directory, err);
    scan_fini(&scan);
    replay_free(r);
    if (rc != 0 || out->records == 0)
        return rc;
    rc = config->disk->ops->sync_all(config->disk);
    if (rc != 0)
        error_set(err, rc, "cannot sync the data folder: %s", err_text(rc));
    return rc;
}
