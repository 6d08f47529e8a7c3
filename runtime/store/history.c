#include "store/history.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/mem.h"
#include "store/history_inside.h"
#include "store/inside.h"
#include "store/past.h"

/* ---- bookmarks ---- */

/* What the sum is over. */
struct summed {
    struct oid id;
    uint64_t number, is_undo;
};

void bookmark_print(const struct bookmark *b, const struct oid *id,
                    char out[BOOKMARK_TEXT + 1])
{
    struct summed summed = {*id, b->number, b->is_undo};
    XXH128_hash_t sum = XXH3_128bits(&summed, sizeof(summed));

    snprintf(out, BOOKMARK_TEXT + 1,
             "%08" PRIx32 "-%08" PRIx32 "-%08x-%016" PRIx64 "%016" PRIx64,
             (uint32_t)(b->number >> 32), (uint32_t)b->number, b->is_undo,
             sum.high64, sum.low64);
}

int bookmark_parse(struct slice text, const struct oid *id,
                   struct bookmark *out, struct error *err)
{
    char copy[BOOKMARK_TEXT + 1] = "";
    char again[BOOKMARK_TEXT + 1];
    uint32_t high;
    uint32_t low;
    unsigned undo;

    *out = (struct bookmark){0};
    if (text.n == BOOKMARK_TEXT)
        memcpy(copy, text.p, BOOKMARK_TEXT);
    if (sscanf(copy, "%8" SCNx32 "-%8" SCNx32 "-%8x-", &high, &low, &undo) !=
            3 ||
        undo > 1)
        return error_set(err, ERR_INVALID,
                         "a bookmark expected (as getCurrentBookmark gives "
                         "it), got '%.*s'",
                         (int)(text.n < 80 ? text.n : 80), text.p);
    *out = (struct bookmark){(uint64_t)high << 32 | low, undo != 0};
    bookmark_print(out, id, again);
    if (memcmp(copy, again, BOOKMARK_TEXT) != 0)
        return error_set(err, ERR_INVALID,
                         "'%s' is not a bookmark of this object", copy);
    return 0;
}

/* ---- where an object is ---- */

int64_t history_ms(const struct store *s)
{
    return s->config.history_ms;
}

struct store *history_store(struct store_client *c)
{
    return c->store;
}

struct bookmark history_now(const struct store_client *c,
                            const char *class_name, const struct oid *id)
{
    uint64_t number = pagefile_commit_of(c, class_name, id);

    /* All that its file has is on disk. */
    return (struct bookmark){
        number != 0 ? number : log_synced(c->store->log, &c->port), false};
}

static int none_kept(const struct store *s, struct error *err)
{
    if (s->config.history_ms != 0)
        return 0;
    return error_set(err, ERR_INVALID,
                     "no history is kept: history.days is 0 in the "
                     "configuration");
}

static int check(const struct past *p, const struct oid *id,
                 const struct bookmark *b, struct error *err)
{
    if (b->number > p->upto)
        return error_set(err, ERR_INVALID,
                         "the bookmark is of a time that has not been");
    struct cut cut = history_cut_of(p->store, id);

    if (cut.time_ms != 0 && b->number <= cut.number)
        return error_set(err, ERR_NOT_FOUND,
                         "what the object was before it was imported, or its "
                         "class deleted, is not kept");
    return b->number < p->from ? past_too_far(err) : 0;
}

/* What the object became by a cut is no commit of it: the number after the
 * cut's stands for that. */
static void skip_cut(const struct past *p, const struct oid *id,
                     int64_t time_ms, struct bookmark *b)
{
    struct cut cut = history_cut_of(p->store, id);

    if (cut.time_ms != 0 && time_ms >= cut.time_ms && b->number <= cut.number &&
        cut.number < p->upto)
        b->number = cut.number + 1;
}

int history_at(struct store *s, const struct oid *id, int64_t time_ms,
               struct bookmark *out, struct error *err)
{
    struct past past;
    int64_t now = clock_wall_ms(s->config.clock);
    int rc = none_kept(s, err);

    *out = (struct bookmark){0};
    if (rc == 0 && time_ms > now)
        rc = error_set(err, ERR_INVALID,
                       "a time up to now (%" PRId64 ") expected, got %" PRId64,
                       now, time_ms);
    if (rc == 0)
        rc = past_open(s, &past, err);
    if (rc != 0)
        return rc;
    rc = past_find_time(&past, id, time_ms, &out->number, err);
    if (rc == 0)
        skip_cut(&past, id, time_ms, out);
    if (rc == 0)
        rc = check(&past, id, out, err);
    past_close(&past);
    return rc;
}

int history_arm(struct store *s, const struct oid *id, const struct bookmark *b,
                struct error *err)
{
    struct past past;
    int rc = none_kept(s, err);

    if (rc == 0)
        rc = past_open(s, &past, err);
    if (rc != 0)
        return rc;
    rc = check(&past, id, b, err);
    past_close(&past);
    return rc != 0 ? rc : armed_write(s, id, b, err);
}

/* ---- what it was ---- */

static int read_image(const struct past *p, const struct oid *id,
                      const struct bookmark *b, struct history_image *out,
                      struct error *err)
{
    uint64_t at = b->number;
    int rc = check(p, id, b, err);

    if (rc == 0 && b->is_undo)
        rc = past_find_restore(p, id, b->number, &at, err);
    if (rc != 0)
        return rc;
    if (b->is_undo)
        at = at == 0 ? UINT64_MAX - 1 : at - 1;
    return past_image(p, id, at, out, err);
}

int history_read(struct store *s, const struct oid *id,
                 struct history_image **out, struct error *err)
{
    struct bookmark b;
    struct past past;
    struct history_image *image;
    int rc = armed_read(s, id, &b, err);

    *out = NULL;
    if (rc == 0)
        rc = past_open(s, &past, err);
    if (rc != 0)
        return rc;
    image = mem_zalloc(sizeof(*image));
    rc = read_image(&past, id, &b, image, err);
    past_close(&past);
    if (rc == 0)
        *out = image;
    else
        history_image_free(image);
    return rc;
}

void history_image_free(struct history_image *i)
{
    if (i != NULL)
        history_image_fini(i);
    free(i);
}
