/* An object becomes what it was: one commit. */
#include <string.h>

#include "store/history.h"
#include "store/inside.h"
#include "store/past.h"

enum { COUNT_AT = 28 }; /* big-endian, in page 1 (SQLite's file format, 1.3) */

static const char magic[16] = "SQLite format 3";

/* What is there now is changed only where it was another. */
static int write_pages(struct pagefile *f, const struct history_image *i)
{
    int rc = 0;

    for (uint32_t k = 0; k < i->pages.cap && rc == 0; k++) {
        const struct overlay_slot *slot = &i->pages.slots[k];

        if (slot->page != NULL && (!i->has_count || slot->number <= i->count))
            rc = pagefile_write(f, slot->number, slot->page->bytes);
    }
    if (rc == 0 && i->has_count)
        pagefile_truncate(f, i->count);
    return rc;
}

/* That every page is there is known by now; this tells a mixture of two lives
 * from one. */
static int check_pages(struct pagefile *f, struct error *err)
{
    uint8_t page[STORE_PAGE];
    uint32_t count = 0;
    int rc = pagefile_read(f, 1, page);

    if (rc != 0)
        return error_set(err, rc, "the object's file cannot be read: %s",
                         err_text(rc));
    for (int k = 0; k < 4; k++)
        count = count << 8 | page[COUNT_AT + k];
    if (memcmp(page, magic, sizeof(magic)) != 0 || count != f->page_count)
        return error_set(err, ERR_CORRUPT,
                         "what history has of the object is no database");
    return 0;
}

/* What the record says besides: as the tables say it. */
static int set_facts(struct pagefile *f, struct facts *facts, struct error *err)
{
    int rc = facts_read(f, facts, err);

    if (rc != 0)
        return rc;
    pagefile_set_next_alarm(f, facts->next_alarm);
    pagefile_set_dead_letters(f, facts->dead);
    pagefile_set_name(f, buf_slice(&facts->name));
    return 0;
}

static int restore(struct pagefile *f, const struct history_image *i,
                   struct facts *facts, struct error *err)
{
    int rc = 0;

    if (i->is_as_now ? !f->state.exists : !i->exists) {
        pagefile_reset(f);
        f->restores = true;
        return 0;
    }
    f->restores = true;
    rc = write_pages(f, i);
    if (rc != 0)
        return error_set(err, rc, "%s", err_text(rc));
    rc = check_pages(f, err);
    return rc != 0 ? rc : set_facts(f, facts, err);
}

int history_restore(struct store_client *c, const char *class_name,
                    const struct oid *id, const struct history_image *i,
                    struct history_restored *out, struct error *err)
{
    struct facts facts = {0};
    struct pagefile *f;
    int rc = pagefile_open(c, class_name, id, &f, err);

    *out = (struct history_restored){0};
    if (rc != 0)
        return rc;
    rc = restore(f, i, &facts, err);
    if (rc == 0 && commit_pages(f) != 0)
        rc = pagefile_failure(f, err);
    if (rc == 0) {
        out->number = f->state.last_commit;
        out->next_alarm = f->state.exists ? facts.next_alarm : 0;
    }
    pagefile_close(f);
    facts_fini(&facts);
    return rc;
}
