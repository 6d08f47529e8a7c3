/* The directory from the objects' files: all of it when it was lost, and the
 * names that the log does not tell.  Everything is in the files by then. */
#include <stdio.h>
#include <string.h>

#include "store/inside.h"
#include "store/record.h"

enum { REPORT_MS = 3000 };

struct rebuild {
    struct store *store;
    struct store_client *client;
    int64_t objects;
    uint64_t began_ns, reported_ns;
    struct error *err;
    char path[RECORD_CLASS_MAX + 32];
    char class_name[RECORD_CLASS_MAX + 1];
};

static uint64_t now_ns(const struct rebuild *r)
{
    return clock_mono_ns(r->store->config.clock);
}

/* Let whoever waits see that it goes on. */
static void report(struct rebuild *r)
{
    enum { OFTEN = 256 };

    if (++r->objects % OFTEN != 0)
        return;
    uint64_t now = now_ns(r);
    if (now - r->reported_ns < REPORT_MS * UINT64_C(1000000))
        return;
    r->reported_ns = now;
    double seconds = (double)(now - r->began_ns) / 1e9;
    logger_printf(r->store->config.logger, LOG_INFO,
                  "the directory of objects is made anew: %lld objects so far, "
                  "%.0f a second",
                  (long long)r->objects, (double)r->objects / seconds);
    if (r->store->config.on_rebuild != NULL)
        r->store->config.on_rebuild(r->store->config.on_rebuild_arg,
                                    r->objects);
}

/* When the file was written last, for want of anything better. */
static int64_t time_of(const struct pagefile *f)
{
    if (f->file == NULL || f->file->disk->ops->modified_ms == NULL)
        return 0;
    return f->file->disk->ops->modified_ms(f->file);
}

/* Note what the object's file says; one that cannot be read is noted without a
 * name, and looked at again at the next start. */
static void note_file(struct rebuild *r, struct pagefile *f, unsigned known)
{
    struct facts facts = {0};
    struct error err = {0};
    int64_t time = time_of(f);

    if (facts_read(f, &facts, &err) != 0) {
        known = DIRECTORY_SIZE;
        logger_printf(r->store->config.logger, LOG_WARN,
                      "an object of class '%s' is in the directory without "
                      "its name: %s",
                      f->class->name, err.text);
    }
    directory_note(r->store->directory,
                   &(struct directory_entry){
                       .class_name = slice_of(f->class->name),
                       .id = f->id,
                       .name = buf_slice(&facts.name),
                       .created = time,
                       .last_commit = time,
                       .bytes = (int64_t)f->state.page_count * STORE_PAGE,
                       .next_alarm = facts.next_alarm,
                       .dead = facts.dead},
                   known);
    facts_fini(&facts);
}

static int note_object(struct rebuild *r, const char *class_name,
                       const struct oid *id, unsigned known)
{
    struct pagefile *f;
    struct error err = {0};

    if (pagefile_open(r->client, class_name, id, &f, &err) != 0) {
        logger_printf(r->store->config.logger, LOG_WARN,
                      "an object is not in the directory: %s", err.text);
        return 0;
    }
    if (pagefile_exists(f))
        note_file(r, f, known);
    pagefile_close(f);
    report(r);
    return 0;
}

static int on_file(void *arg, const char *name, bool is_folder)
{
    struct rebuild *r = arg;
    struct oid id;

    if (is_folder || strlen(name) != OID_HEX + 7 ||
        strcmp(name + OID_HEX, ".sqlite") != 0 ||
        !oid_from_hex(name, OID_HEX, &id))
        return 0;
    return note_object(r, r->class_name, &id, DIRECTORY_NEW);
}

/* Go on with each(r, ...) in the folder `name` of r->path. */
static int look_into(struct rebuild *r, const char *name,
                     int (*each)(void *arg, const char *name, bool is_folder))
{
    struct disk *d = r->store->config.disk;
    size_t n = strlen(r->path);

    snprintf(r->path + n, sizeof(r->path) - n, "%s%s", n == 0 ? "" : "/", name);
    int rc = d->ops->list(d, r->path, each, r);
    if (rc != 0 && rc != ERR_NOT_FOUND)
        error_set(r->err, rc, "cannot read the folder %s: %s", r->path,
                  err_text(rc));
    r->path[n] = '\0';
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

static int on_part(void *arg, const char *name, bool is_folder)
{
    return !is_folder || strlen(name) != 2 ? 0 : look_into(arg, name, on_file);
}

static int on_class(void *arg, const char *name, bool is_folder)
{
    struct rebuild *r = arg;

    if (!is_folder || !classes_is_name(slice_of(name)))
        return 0;
    snprintf(r->class_name, sizeof(r->class_name), "%s", name);
    return look_into(r, name, on_part);
}

static int on_unnamed(void *arg, const struct directory_entry *e)
{
    struct rebuild *r = arg;

    snprintf(r->class_name, sizeof(r->class_name), "%.*s", (int)e->class_name.n,
             e->class_name.p);
    return note_object(r, r->class_name, &e->id,
                       DIRECTORY_NAME | DIRECTORY_ALARM | DIRECTORY_DEAD);
}

static int make_all(struct rebuild *r)
{
    struct directory *d = r->store->directory;
    int rc = look_into(r, "objects", on_class);

    if (rc == 0)
        rc = directory_complete(d, r->err);
    if (rc == 0 && r->objects != 0 && r->store->config.directory_path != NULL)
        logger_printf(r->store->config.logger, LOG_INFO,
                      "the directory of objects was made anew: %lld objects",
                      (long long)r->objects);
    return rc;
}

static int find_names(struct rebuild *r)
{
    struct directory_reader *reader = store_client_reader(r->client, r->err);

    return reader == NULL ? r->err->code
                          : directory_unnamed(reader, on_unnamed, r, r->err);
}

int rebuild_run(struct store *s, struct error *err)
{
    struct error why = {0};
    struct rebuild r = {.store = s, .err = &why};

    r.began_ns = r.reported_ns = now_ns(&r);
    r.client = store_attach(s, NULL, NULL);
    int rc = directory_is_new(s->directory) ? make_all(&r) : find_names(&r);
    store_detach(r.client);
    return rc != 0 ? error_set(err, rc, "%s", why.text) : 0;
}

/* ---- for its own sake ---- */

int64_t store_rebuild_directory(const struct store_config *config,
                                void (*progress)(void *arg, int64_t objects),
                                void *arg, struct error *err)
{
    struct store_config anew = *config;
    struct store *s;

    anew.makes_directory_anew = true;
    anew.on_rebuild = progress;
    anew.on_rebuild_arg = arg;
    int64_t count = store_open(&anew, &s, err);
    if (count != 0)
        return count;
    struct store_client *c = store_attach(s, NULL, NULL);
    struct directory_reader *reader = store_client_reader(c, err);
    count = reader == NULL ? ERR_IO
                           : directory_count(reader, (struct slice){NULL, 0});
    store_detach(c);
    store_close(s);
    return count;
}
