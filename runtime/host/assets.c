#include "host/assets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/table.h"
#include "host/assets_cache.h"
#include "host/assets_path.h"
#include "host/assets_stream.h"
#include "wire/http_list.h"

enum { OPEN_MAX = 512 /* of files, those being looked for included */ };

/* Reading the folder's names, in the pool. */
struct survey {
    uv_work_t work;
    struct assets *assets;
    struct assets_folder *folder; /* NULL: it cannot be read */
    int error;
};

/* Looking for one file, in the pool, for all who ask for it meanwhile. */
struct lookup {
    uv_work_t work;
    struct assets *assets;
    struct assets_folder *folder; /* held */
    struct list waiting;
    struct assets_meta known;
    bool has_known;
    struct assets_found found;
    UT_hash_handle hh;
    size_t n;
    char path[]; /* the key, with a NUL */
};

struct assets {
    struct assets_config config;
    struct assets_folder *folder; /* NULL: none could be read */
    uint64_t surveyed_ms;
    bool has_survey, is_surveying, is_lost_told;
    struct list parked;     /* asks that wait for the survey */
    struct lookup *lookups; /* hash by path */
    struct assets_cache cache;
    struct buf path; /* of the ask under way */
    int jobs;        /* in the pool, and files that are open */
    void (*closed)(void *arg);
    void *arg;
};

struct assets *assets_open(const struct assets_config *config)
{
    struct assets *a = mem_zalloc(sizeof(*a));

    a->config = *config;
    list_init(&a->parked);
    assets_cache_init(&a->cache);
    return a;
}

static void folder_drop(struct assets_folder *f)
{
    if (f != NULL && --f->refs == 0)
        assets_look_free(f);
}

static void free_if_done(struct assets *a)
{
    void (*closed)(void *arg) = a->closed;
    void *arg = a->arg;

    if (closed == NULL || a->jobs != 0)
        return;
    folder_drop(a->folder);
    assets_cache_fini(&a->cache);
    buf_fini(&a->path);
    free(a);
    closed(arg);
}

static void job_done(void *arg)
{
    struct assets *a = arg;

    a->jobs--;
    free_if_done(a);
}

void assets_close(struct assets *a, void (*closed)(void *arg), void *arg)
{
    a->closed = closed;
    a->arg = arg;
    free_if_done(a);
}

void assets_cancel(struct assets_ask *ask)
{
    list_unlink(&ask->link);
}

static bool is_fresh(const struct assets *a, uint64_t at_ms)
{
    return uv_now(a->config.loop) - at_ms < a->config.fresh_ms;
}

/* ---- answers ---- */

static void done(struct assets_ask *ask, struct response *rs)
{
    ask->done(ask, rs);
}

/* From bytes in memory. */
static void answer_small(struct assets_ask *ask, struct slice path,
                         const struct assets_meta *m, struct slice bytes)
{
    const struct request *rq = ask->request;
    struct assets_part part;
    struct body *body = NULL;

    assets_answer_plan(rq, m, &part);
    if (part.n != 0 && !assets_answer_is_head(rq))
        body = body_from(bytes.p + part.at, (size_t)part.n);
    done(ask, assets_answer_build(rq, m, path, &part, body));
}

static void answer_large(struct assets_ask *ask, struct slice path,
                         const struct assets_meta *m, struct assets_file *file)
{
    const struct request *rq = ask->request;
    struct assets_part part;
    struct body *body = NULL;

    assets_answer_plan(rq, m, &part);
    if (part.n != 0 && !assets_answer_is_head(rq))
        body = assets_stream_body(file, part.at, part.n);
    done(ask, assets_answer_build(rq, m, path, &part, body));
}

/* From what is known; `known` is gone with the next change of the cache. */
static bool answer_known(struct assets_ask *ask, struct slice path,
                         const struct assets_known *known)
{
    if (known->kind == ASSETS_MISSING)
        return false;
    if (known->kind == ASSETS_SMALL)
        answer_small(ask, path, &known->meta, known->bytes);
    else
        done(ask, assets_answer_redirect(ask->request));
    return true;
}

/* ---- looking for a file ---- */

static void look(uv_work_t *work)
{
    struct lookup *l = container_of(work, struct lookup, work);

    assets_look_file(l->folder, l->path, l->has_known ? &l->known : NULL,
                     &l->found);
}

static void answer_found(struct lookup *l, struct assets_ask *ask,
                         struct assets_file *file)
{
    struct slice path = {l->path, l->n};
    const struct assets_known *known =
        assets_cache_find(&l->assets->cache, path);

    if (l->found.kind == ASSETS_FAILED)
        done(ask, assets_answer_busy());
    else if (l->found.kind == ASSETS_LARGE)
        answer_large(ask, path, &l->found.meta, file);
    else if (known == NULL || !answer_known(ask, path, known))
        done(ask, NULL);
}

static void tell_error(struct lookup *l)
{
    if (l->found.error != 0)
        logger_printf(l->assets->config.logger, LOG_WARN,
                      "assets: %s/%s: cannot be read: %s",
                      l->assets->config.folder, l->path,
                      strerror(l->found.error));
}

static void lookup_free(struct lookup *l)
{
    folder_drop(l->folder);
    free(l);
}

/* It is what it was, but others have taken its place in memory. */
static bool was_forgotten(struct lookup *l)
{
    return l->found.kind == ASSETS_SAME &&
           assets_cache_find(&l->assets->cache,
                             (struct slice){l->path, l->n}) == NULL;
}

static void after_look(uv_work_t *work, int status)
{
    struct lookup *l = container_of(work, struct lookup, work);
    struct assets *a = l->assets;
    struct assets_file *file = NULL;
    struct list *link;

    (void)status;
    if (was_forgotten(l)) {
        l->has_known = false;
        MUST(uv_queue_work(a->config.loop, work, look, after_look) == 0);
        return;
    }
    HASH_DEL(a->lookups, l);
    tell_error(l);
    if (l->found.kind == ASSETS_LARGE) {
        file = assets_stream_file(a->config.loop, l->found.fd, job_done, a);
        a->jobs++;
    }
    assets_cache_note(&a->cache, (struct slice){l->path, l->n}, &l->found,
                      uv_now(a->config.loop));
    while ((link = list_shift(&l->waiting)) != NULL)
        answer_found(l, container_of(link, struct assets_ask, link), file);
    if (file != NULL)
        assets_stream_drop(file);
    lookup_free(l);
    job_done(a);
}

static struct lookup *start_lookup(struct assets *a, struct slice path,
                                   const struct assets_known *known)
{
    struct lookup *l = mem_zalloc(sizeof(*l) + path.n + 1);

    l->assets = a;
    l->folder = a->folder;
    l->folder->refs++;
    l->n = path.n;
    memcpy(l->path, path.p, path.n);
    l->has_known = known != NULL && known->kind == ASSETS_SMALL;
    if (l->has_known)
        l->known = known->meta;
    list_init(&l->waiting);
    HASH_ADD_BYHASHVALUE(hh, a->lookups, path, l->n, assets_cache_hash(path),
                         l);
    a->jobs++;
    MUST(uv_queue_work(a->config.loop, &l->work, look, after_look) == 0);
    return l;
}

/* The folder has something of the path's first name. */
static bool ask_for(struct assets *a, struct assets_ask *ask, struct slice path)
{
    const struct assets_known *known = assets_cache_find(&a->cache, path);
    struct lookup *l;

    if (known != NULL && is_fresh(a, known->at_ms))
        return answer_known(ask, path, known);
    HASH_FIND_BYHASHVALUE(hh, a->lookups, path.p, path.n,
                          assets_cache_hash(path), l);
    if (l == NULL && a->jobs >= OPEN_MAX) {
        done(ask, assets_answer_busy());
        return true;
    }
    if (l == NULL)
        l = start_lookup(a, path, known);
    list_push(&l->waiting, &ask->link);
    return true;
}

/* ---- the folder's names ---- */

static bool ask_in_folder(struct assets *a, struct assets_ask *ask)
{
    struct slice path = buf_slice(&a->path);

    return a->folder != NULL &&
           assets_look_may_have(a->folder, assets_path_first(path)) &&
           ask_for(a, ask, path);
}

static void survey(uv_work_t *work)
{
    struct survey *s = container_of(work, struct survey, work);

    s->folder = assets_look_folder(s->assets->config.folder);
    s->error = s->folder == NULL ? errno : 0;
}

/* Once for each time that it goes. */
static void tell_lost(struct assets *a, int error)
{
    if (error != 0 && !a->is_lost_told)
        logger_printf(a->config.logger, LOG_ERROR,
                      "assets: %s: cannot be read: %s", a->config.folder,
                      strerror(error));
    a->is_lost_told = error != 0;
}

static void after_survey(uv_work_t *work, int status)
{
    struct survey *s = container_of(work, struct survey, work);
    struct assets *a = s->assets;
    struct list parked;
    struct list *link;

    (void)status;
    folder_drop(a->folder);
    a->folder = s->folder;
    a->surveyed_ms = uv_now(a->config.loop);
    a->has_survey = true;
    a->is_surveying = false;
    tell_lost(a, s->error);
    free(s);
    list_init(&parked);
    list_join(&parked, &a->parked);
    while ((link = list_shift(&parked)) != NULL) {
        struct assets_ask *ask = container_of(link, struct assets_ask, link);

        MUST(assets_path_find(ask->request->target, &a->path));
        if (!ask_in_folder(a, ask))
            done(ask, NULL);
    }
    job_done(a);
}

static void start_survey(struct assets *a)
{
    struct survey *s = mem_zalloc(sizeof(*s));

    s->assets = a;
    a->is_surveying = true;
    a->jobs++;
    MUST(uv_queue_work(a->config.loop, &s->work, survey, after_survey) == 0);
}

/* ---- asking ---- */

static bool is_for_file(const struct request *rq)
{
    if (!slice_eq(rq->method, SLICE("GET")) && !assets_answer_is_head(rq))
        return false;
    return !http_list_has(rq->fields, rq->field_count, SLICE("Upgrade"),
                          SLICE("websocket"));
}

bool assets_ask(struct assets *a, struct assets_ask *ask)
{
    list_init(&ask->link);
    if (!is_for_file(ask->request) ||
        !assets_path_find(ask->request->target, &a->path))
        return false;
    if (a->has_survey && is_fresh(a, a->surveyed_ms))
        return ask_in_folder(a, ask);
    if (!a->is_surveying)
        start_survey(a);
    list_push(&a->parked, &ask->link);
    return true;
}
