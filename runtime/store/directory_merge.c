/* The notes that wait and the rows of the file become one list. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/directory_inside.h"

int note_compare_bytes(struct slice a, struct slice b)
{
    int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

    return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

int note_by_name(const void *a, const void *b)
{
    const struct note *x = *(struct note *const *)a;
    const struct note *y = *(struct note *const *)b;

    if (x->name.n == 0 || y->name.n == 0)
        return x->name.n != y->name.n ? (x->name.n == 0) - (y->name.n == 0)
                                      : memcmp(x->id.b, y->id.b, OID_SIZE);
    int order = note_compare_bytes(x->name, y->name);
    return order != 0 ? order : memcmp(x->id.b, y->id.b, OID_SIZE);
}

int dirread_order(struct dirread *r,
                  int (*takes)(void *arg, struct dirread *r, struct note *n),
                  void *arg, int (*compare)(const void *a, const void *b))
{
    struct view *v = &r->view;
    const struct batch *b = v->notes;

    if (b == NULL)
        return 0;
    v->order = mem_alloc(b->count * sizeof(struct note *));
    for (uint32_t i = 0; i < b->slot_count; i++) {
        for (struct note *n = b->slots[i]; n != NULL; n = n->next) {
            int rc = takes(arg, r, n);

            if (rc < 0)
                return rc;
            if (rc > 0)
                v->order[v->count++] = n;
        }
    }
    qsort(v->order, v->count, sizeof(struct note *), compare);
    return 0;
}

/* The next row of which a note does not say otherwise in one of `fields`, by
 * what the note says: 1, 0 at the end, or ERR_*. */
static int next_row(struct dirread *r, sqlite3_stmt *st, unsigned fields,
                    struct note *out)
{
    for (;;) {
        int rc = sqlite3_step(st);

        if (rc != SQLITE_ROW)
            return rc == SQLITE_DONE ? 0 : dirfile_failed(r->file, r->err);
        *out = dirfile_row(st);
        const struct note *n = dirread_note(r, out->class, &out->id);
        if (n == NULL || (n->known & fields) == 0) {
            if (n != NULL)
                note_fold(out, n);
            return 1;
        }
    }
}

int dirread_merge(struct dirread *r, sqlite3_stmt *st, unsigned fields,
                  int (*compare)(const void *a, const void *b),
                  struct dirpage *page, int64_t most)
{
    struct note row;
    struct note *row_p = &row;
    size_t at = 0;
    int has_row = next_row(r, st, fields, &row);

    while (has_row >= 0 && (int64_t)page->count < most &&
           (has_row > 0 || at < r->view.count)) {
        if (at == r->view.count ||
            (has_row > 0 && compare(&row_p, &r->view.order[at]) < 0)) {
            dirpage_add(page, &row);
            has_row = next_row(r, st, fields, &row);
            continue;
        }
        struct note *n = r->view.order[at++];
        int rc = dirread_complete(r, n);
        if (rc < 0)
            return rc;
        dirpage_add(page, n);
    }
    return has_row < 0 ? has_row : 0;
}
