/* db_replace.c - an object's database from outside, in place of its own. */
#include "store/db_conn.h"
#include "store/inside.h"

int db_replace(struct db *d, const struct db_image *image, struct error *err)
{
    int rc = 0;

    pagefile_reset(d->pf);
    for (uint32_t i = 0; i < image->count && rc == 0; i++)
        rc = pagefile_write(d->pf, i + 1,
                            (const uint8_t *)image->pages +
                                (size_t)i * STORE_PAGE);
    if (rc == 0) {
        pagefile_truncate(d->pf, image->count);
        pagefile_set_next_alarm(d->pf, image->next_alarm);
        pagefile_set_dead_letters(d->pf, image->dead);
        pagefile_set_name(d->pf, image->name);
        return pagefile_commit_reset(d->pf, err);
    }
    pagefile_failure(d->pf, err);
    pagefile_undo_reset(d->pf);
    return rc;
}
