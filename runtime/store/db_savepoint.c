/* Nested transactions: every level is a savepoint of the same name, of which
 * SQLite means the innermost. */
#include "base/mem.h"
#include "store/alarm_rows.h"
#include "store/db_conn.h"
#include "store/kv_list.h"
#include "store/kv_recent.h"

static void push(struct db *d)
{
    if (d->frame_count == d->frame_cap) {
        d->frame_cap = d->frame_cap == 0 ? 4 : 2 * d->frame_cap;
        d->frames =
            mem_realloc(d->frames, (size_t)d->frame_cap * sizeof(d->frames[0]));
    }
    d->frames[d->frame_count++] = (struct db_frame){
        .is_dirty = d->is_dirty,
        .is_confirmed = d->is_confirmed,
        .kv_writes = d->kv_writes,
        .alarm_writes = d->alarm_writes,
        .schema_changes = d->schema_changes,
    };
}

int db_savepoint_begin(struct db *d, struct error *err)
{
    int rc = db_conn_enter(d, err);

    if (rc == 0)
        rc = db_conn_begin(d, err);
    if (rc == 0)
        rc = db_conn_run(d, DB_OWN_SAVEPOINT, err);
    if (rc != 0)
        return rc;
    push(d);
    return d->frame_count;
}

/* db_rollback has ended it before. */
static int none(struct error *err)
{
    return error_set(err, ERR_INVALID, "the transaction was rolled back");
}

int db_savepoint_release(struct db *d, struct error *err)
{
    if (d->frame_count == 0)
        return none(err);
    d->frame_count--;
    int rc = db_conn_enter(d, err);
    return rc != 0 ? rc : db_conn_run(d, DB_OWN_RELEASE, err);
}

int db_savepoint_undo(struct db *d, struct error *err)
{
    if (d->frame_count == 0)
        return none(err);
    struct db_frame frame = d->frames[--d->frame_count];
    int rc = db_conn_enter(d, err);

    if (rc != 0)
        return rc;
    kv_list_before_undo(d, frame.kv_writes);
    if (d->kv_writes != frame.kv_writes)
        kv_recent_forget(&d->kv_recent);
    db_conn_cancel_changed(d, frame.schema_changes);
    if (d->alarm_writes != frame.alarm_writes)
        alarm_rows_forget(d);
    rc = db_conn_run(d, DB_OWN_UNDO, err);
    if (rc == 0)
        rc = db_conn_run(d, DB_OWN_RELEASE, err);
    d->is_dirty = frame.is_dirty;
    d->is_confirmed = frame.is_confirmed;
    return rc;
}

int db_savepoint_depth(const struct db *d)
{
    return d->frame_count;
}
