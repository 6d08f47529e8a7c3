/* Lists: rows of the file and notes that wait, merged in order, page by page.
 * A page is one transaction, and nothing is held while the caller has it. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/directory_inside.h"

enum { PAGE_ENTRIES = 1000 };

/* Names from `from` up to `to`, or the nameless behind `after`. */
struct range {
    bool is_named;
    struct buf from, to;
    struct oid after;
    int after_n; /* bytes of it that count: none, or all */
};

struct listing {
    struct directory_reader *reader;
    const struct directory_query *query;
    int (*each)(void *arg, const struct directory_entry *e);
    void *arg;
    struct error *err;
    uint32_t class;
    struct range range;
    int64_t left; /* -1: no limit */
};

/* ---- ranges ---- */

static void set(struct buf *b, struct slice s)
{
    b->n = 0;
    buf_add_slice(b, s);
}

/* Behind all that begins with the prefix: the next one of its length, or, if
 * there is none, what is longer than any name. */
static void set_end(struct buf *to, struct slice prefix)
{
    size_t n = prefix.n;

    while (n > 0 && (unsigned char)prefix.p[n - 1] == 0xff)
        n--;
    set(to, (struct slice){prefix.p, n});
    if (n > 0)
        to->p[n - 1]++;
    else
        memset(buf_room(to, OBJECT_NAME_MAX + 1), 0xff, OBJECT_NAME_MAX + 1);
    to->n = n > 0 ? n : OBJECT_NAME_MAX + 1;
}

/* Names behind that one: it, and a zero. */
static void set_after(struct range *r, struct slice name)
{
    set(&r->from, name);
    buf_add_byte(&r->from, '\0');
}

static void set_after_id(struct range *r, const struct oid *id)
{
    r->after = *id;
    r->after_n = OID_SIZE;
}

static void range_begin(struct range *r, const struct directory_query *q)
{
    r->is_named = true;
    r->after_n = 0;
    set(&r->from, q->prefix.n != 0 ? q->prefix : SLICE("\0"));
    set_end(&r->to, q->prefix);
    if (!q->has_after || q->class_name.p == NULL)
        return;
    r->is_named = q->after_name.n != 0;
    if (!r->is_named)
        set_after_id(r, &q->after_id);
    else if (note_compare_bytes(q->after_name, buf_slice(&r->from)) >= 0)
        set_after(r, q->after_name);
}

static bool range_has(const struct range *r, const struct note *n)
{
    if (!r->is_named)
        return n->name.n == 0 &&
               (r->after_n == 0 || memcmp(n->id.b, r->after.b, OID_SIZE) > 0);
    return n->name.n != 0 &&
           note_compare_bytes(n->name, buf_slice(&r->from)) >= 0 &&
           note_compare_bytes(n->name, buf_slice(&r->to)) < 0;
}

static void range_follow(struct range *r, const struct dirpage *page)
{
    const struct directory_entry *last = &page->entries[page->count - 1];

    if (r->is_named)
        set_after(r,
                  (struct slice){page->names.p + page->names.n - last->name.n,
                                 last->name.n});
    else
        set_after_id(r, &last->id);
}

/* ---- one page ---- */

/* A list has it; completes it for that. */
static int takes_listed(void *arg, struct dirread *r, struct note *n)
{
    const struct listing *l = arg;
    const struct directory_query *q = l->query;
    if (n->class != l->class ||
        ((n->known & DIRECTORY_NAME) != 0 && !range_has(&l->range, n)))
        return 0;
    int rc = dirread_complete(r, n);
    if (rc <= 0)
        return rc;
    return range_has(&l->range, n) && (!q->with_alarm || n->next_alarm != 0) &&
           (!q->with_dead || n->dead != 0);
}

static sqlite3_stmt *list_statement(const struct listing *l, struct dirread *r)
{
    const struct range *range = &l->range;
    int first = range->is_named ? FILE_NAMED : FILE_NAMELESS;
    int which = first + l->query->with_alarm + 2 * l->query->with_dead;
    sqlite3_stmt *st =
        dirfile_statement(r->file, (enum file_statement)which, r->err);

    if (st == NULL)
        return NULL;
    sqlite3_bind_int64(st, 1, l->class);
    if (!range->is_named) {
        sqlite3_bind_blob(st, 2, range->after.b, range->after_n, SQLITE_STATIC);
        return st;
    }
    sqlite3_bind_blob(st, 2, range->from.p, (int)range->from.n, SQLITE_STATIC);
    sqlite3_bind_blob(st, 3, range->to.p, (int)range->to.n, SQLITE_STATIC);
    return st;
}

/* ---- list ---- */

static int read_page(struct listing *l, int64_t most, struct dirpage *page)
{
    struct dirread r = {.err = l->err};
    int rc = dirread_begin(&r, l->reader, l->class, NULL);

    if (rc == 0)
        rc = dirread_order(&r, takes_listed, l, note_by_name);
    sqlite3_stmt *st = rc != 0 ? NULL : list_statement(l, &r);
    if (rc == 0)
        rc = st == NULL ? l->err->code
                        : dirread_merge(&r, st, DIRECTORY_ANY, note_by_name,
                                        page, most);
    dirread_end(&r);
    return rc;
}

/* 1: there may be more of the range; 0: there is not; or what `each` or the
 * file said. */
static int list_page(struct listing *l, bool *may_be_more)
{
    int64_t most =
        l->left >= 0 && l->left < PAGE_ENTRIES ? l->left : PAGE_ENTRIES;
    struct dirpage page = {0};
    int rc = read_page(l, most, &page);

    *may_be_more = (int64_t)page.count == most;
    if (page.count != 0)
        range_follow(&l->range, &page);
    if (l->left > 0)
        l->left -= (int64_t)page.count;
    int said = dirpage_send(&page, l->reader->d, l->each, l->arg);
    return rc != 0 ? rc : said;
}

static int list_class(struct listing *l)
{
    bool may_be_more = true;
    int rc = 0;

    range_begin(&l->range, l->query);
    while (rc == 0 && l->left != 0) {
        rc = list_page(l, &may_be_more);
        if (may_be_more)
            continue;
        if (!l->range.is_named || l->query->prefix.n != 0)
            break;
        l->range.is_named = false;
    }
    return rc;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All classes, by name; owned. */
static char **class_names(struct directory *d, size_t *count)
{
    char **names = NULL;

    *count = 0;
    pthread_mutex_lock(&d->pending.mutex);
    for (struct dirclass *c = d->classes; c != NULL; c = c->next) {
        if (c->number == 0)
            continue;
        names = mem_realloc(names, (*count + 1) * sizeof(char *));
        names[(*count)++] = c->name;
    }
    pthread_mutex_unlock(&d->pending.mutex);
    if (*count != 0)
        qsort(names, *count, sizeof(char *), compare_names);
    return names;
}

static int list_all(struct listing *l)
{
    size_t count;
    char **names = class_names(l->reader->d, &count);
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < count; i++) {
        l->class = directory_find_class(l->reader->d, slice_of(names[i]));
        rc = list_class(l);
    }
    free(names);
    return rc;
}

int directory_list(struct directory_reader *r, const struct directory_query *q,
                   int (*each)(void *arg, const struct directory_entry *e),
                   void *arg, struct error *err)
{
    struct error why = {0};
    struct listing l = {.reader = r,
                        .query = q,
                        .each = each,
                        .arg = arg,
                        .err = &why,
                        .left = q->limit < 0 ? -1 : q->limit};
    int rc = 0;

    if (q->class_name.p == NULL)
        rc = list_all(&l);
    else if ((l.class = directory_find_class(r->d, q->class_name)) != 0)
        rc = list_class(&l);
    buf_fini(&l.range.from);
    buf_fini(&l.range.to);
    return why.code != 0 ? error_set(err, why.code, "%s", why.text) : rc;
}
