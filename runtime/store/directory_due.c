#include <string.h>

#include "store/directory_inside.h"

enum { ALARM_FIELDS = DIRECTORY_GONE | DIRECTORY_NEW | DIRECTORY_ALARM };

static int by_alarm(const void *a, const void *b)
{
    const struct note *x = *(struct note *const *)a;
    const struct note *y = *(struct note *const *)b;

    if (x->next_alarm != y->next_alarm)
        return x->next_alarm < y->next_alarm ? -1 : 1;
    return memcmp(x->id.b, y->id.b, OID_SIZE);
}

struct due {
    int64_t until, after_time;
    struct oid after;
};

static int takes_due(void *arg, struct dirread *r, struct note *n)
{
    const struct due *due = arg;

    (void)r;
    if ((n->known & DIRECTORY_ALARM) == 0 || n->next_alarm == 0 ||
        n->next_alarm > due->until || n->next_alarm < due->after_time)
        return 0;
    return n->next_alarm > due->after_time ||
           memcmp(n->id.b, due->after.b, OID_SIZE) > 0;
}

static int read_due(struct dirread *r, const struct due *due, int limit,
                    struct dirpage *page)
{
    int rc = dirread_order(r, takes_due, (void *)due, by_alarm);
    sqlite3_stmt *st =
        rc != 0 ? NULL : dirfile_statement(r->file, FILE_DUE, r->err);

    if (st == NULL)
        return r->err->code;
    sqlite3_bind_int64(st, 1, due->until);
    sqlite3_bind_int64(st, 2, due->after_time);
    sqlite3_bind_blob(st, 3, due->after.b, OID_SIZE, SQLITE_STATIC);
    return dirread_merge(r, st, ALARM_FIELDS, by_alarm, page, limit);
}

/* The same of all, wherever they come from. */
static void leave_out(struct dirpage *page)
{
    for (size_t i = 0; i < page->count; i++) {
        struct directory_entry *e = &page->entries[i];

        e->created = e->last_commit = e->bytes = e->dead = 0;
    }
}

int directory_due(struct directory_reader *reader,
                  const struct directory_span *span,
                  int (*each)(void *arg, const struct directory_entry *e),
                  void *arg, struct error *err)
{
    struct due due = {.until = span->until, .after_time = span->after_time};
    struct error why = {0};
    struct dirread r = {.err = &why};
    struct dirpage page = {0};

    memset(due.after.b, 0xff, OID_SIZE);
    if (span->after_id != NULL)
        due.after = *span->after_id;
    int rc = dirread_begin(&r, reader, 0, NULL);
    if (rc == 0)
        rc = read_due(&r, &due, span->limit, &page);
    dirread_end(&r);
    leave_out(&page);
    int said = dirpage_send(&page, reader->d, each, arg);
    return rc != 0 ? error_set(err, rc, "%s", why.text) : said;
}
