#include "host/question.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "base/text.h"
#include "bindings/id.h"
#include "host/classes.h"
#include "host/node_parts.h"
#include "host/roster.h"
#include "host/row.h"
#include "store/directory.h"
#include "store/store.h"

static const struct {
    const char *name;
    int (*answer)(struct question *q, struct error *err);
} questions[] = {
    {"objects", question_objects}, {"show", question_show},
    {"alarms", question_alarms},   {"delete", question_delete},
    {"verify", question_verify},   {"why", question_why},
    {"sql", question_sql},         {"call", question_call},
    {"tail", question_tail},       {"top", question_top},
    {"classes", question_classes}, {"import", question_import},
    {"hold", question_hold},       {"point", question_point},
    {"metrics", question_metrics}, {"ready", question_ready},
};

enum { QUESTION_COUNT = sizeof(questions) / sizeof(*questions) };

static int answer(struct question *q, struct error *err)
{
    for (size_t i = 0; i < QUESTION_COUNT; i++) {
        if (row_is(q->asked, questions[i].name))
            return questions[i].answer(q, err);
    }
    return error_set(err, ERR_INVALID,
                     "the server knows no such command; it is of another "
                     "version");
}

int question_answer(struct node *n, struct slice asked, struct answer to,
                    struct error *err)
{
    struct question q = {.node = n, .asked = asked, .to = to};
    int rc = directory_reader_open(store_directory(node_store(n)), &q.directory,
                                   err);

    if (rc == 0)
        rc = answer(&q, err);
    directory_reader_close(q.directory);
    buf_fini(&q.row);
    return rc;
}

int question_send(struct question *q)
{
    return q->to.row(q->to.arg, buf_slice(&q->row)) == 0 ? 0 : ERR_CANCELED;
}

int question_send_rows(struct question *q, const struct buf *rows)
{
    struct slice rest = buf_slice(rows);
    struct slice row;

    while (cell_next_text(&rest, &row)) {
        if (q->to.row(q->to.arg, row) != 0)
            return ERR_CANCELED;
    }
    return 0;
}

int question_flush(struct question *q)
{
    if (q->to.flush == NULL)
        return 0;
    return q->to.flush(q->to.arg) == 0 ? 0 : ERR_CANCELED;
}

int question_alive(struct question *q)
{
    row_begin(&q->row, "waiting");
    int rc = question_send(q);

    return rc != 0 ? rc : question_flush(q);
}

/* ---- words that may have been meant ---- */

/* Names that a word is compared with. */
struct words {
    char **at; /* owned, as the array */
    size_t count;
};

static void add_word(struct words *w, struct slice word)
{
    w->at = mem_realloc(w->at, (w->count + 1) * sizeof(*w->at));
    w->at[w->count++] = mem_dup(word.p, word.n);
}

static void words_fini(struct words *w)
{
    for (size_t i = 0; i < w->count; i++)
        free(w->at[i]);
    free(w->at);
}

static bool has_word(const struct words *w, struct slice word)
{
    for (size_t i = 0; i < w->count; i++) {
        if (slice_eq(slice_of(w->at[i]), word))
            return true;
    }
    return false;
}

/* Say that there is no such `what`, and which one is near to `word`. */
static int not_found(const char *what, struct slice word,
                     const struct words *near, struct error *err)
{
    struct buf shown = {0};
    char *text = mem_dup(word.p, word.n);
    const char *meant =
        nearest_word(text, (const char *const *)near->at, near->count);

    text_add_escaped(&shown, word, TEXT_PRINTABLE);
    buf_add_byte(&shown, '\'');
    if (meant != NULL) {
        buf_add_text(&shown, "; did you mean '");
        text_add_escaped(&shown, slice_of(meant), TEXT_PRINTABLE);
        buf_add_text(&shown, "'?");
    }
    error_set(err, ERR_NOT_FOUND, "no %s '%.*s", what, (int)shown.n, shown.p);
    buf_fini(&shown);
    free(text);
    return ERR_NOT_FOUND;
}

/* ---- classes ---- */

static int on_class(void *arg, const char *name)
{
    add_word(arg, slice_of(name));
    return 0;
}

int question_check_class(struct question *q, struct error *err)
{
    struct slice name = row_text(q->asked, "class");
    struct words classes = {0};

    if (name.p == NULL)
        return 0;
    roster_each(node_roster(q->node), on_class, &classes);
    int rc = has_word(&classes, name)
                 ? 0
                 : store_classes(node_store(q->node), on_class, &classes);
    if (rc != 0)
        error_set(err, rc, "cannot look for the classes that have data: %s",
                  err_text(rc));
    else if (!has_word(&classes, name))
        rc = not_found("class", name, &classes, err);
    words_fini(&classes);
    return rc;
}

/* ---- objects ---- */

/* Looks among the entries of a class for one name. */
struct finding {
    struct slice name;
    struct oid *id;
    int (*each)(void *arg, const struct directory_entry *e);
    void *arg;
    bool was_found;
};

/* The first one with a prefix is the one that has it as its name. */
static int on_named(void *arg, const struct directory_entry *e)
{
    struct finding *f = arg;

    if (slice_eq(e->name, f->name)) {
        *f->id = e->id;
        f->was_found = true;
        f->each(f->arg, e);
    }
    return 0;
}

static int find_named(struct question *q, struct slice class_name,
                      struct finding *f, struct error *err)
{
    struct directory_query query = {
        .class_name = class_name, .prefix = f->name, .limit = 1};
    int rc = directory_list(q->directory, &query, on_named, f, err);

    return rc < 0 ? rc : f->was_found;
}

static int find_by_id(struct question *q, struct slice hex, struct oid *id,
                      struct finding *f, struct error *err)
{
    if (!oid_from_hex(hex.p, hex.n, id))
        return error_set(err, ERR_INVALID,
                         "--id: 64 hex digits expected, got '%.*s'",
                         (int)(hex.n > 100 ? 100 : hex.n), hex.p);
    int rc = directory_get(q->directory, row_text(q->asked, "class"), id,
                           f->each, f->arg, err);
    return rc;
}

/* The id that an object of that name would have. */
static void id_of_name(struct question *q, struct slice class_name,
                       struct slice name, struct oid *id)
{
    char *text = mem_dup(class_name.p, class_name.n);
    uint8_t key[ID_KEY_SIZE];
    struct buf unique = {0};

    classes_key(node_config(q->node), text, &unique);
    buf_add_byte(&unique, '\0');
    id_key(unique.p, key);
    id_from_name(key, name, id);
    buf_fini(&unique);
    free(text);
}

int question_find(struct question *q, struct oid *id, struct slice *name,
                  int (*each)(void *arg, const struct directory_entry *e),
                  void *arg, struct error *err)
{
    struct slice class_name = row_text(q->asked, "class");
    struct slice hex = row_text(q->asked, "id");
    struct finding f = {
        .name = row_text(q->asked, "name"), .id = id, .each = each, .arg = arg};

    *name = (struct slice){0};
    if (class_name.n == 0)
        return error_set(err, ERR_INVALID, "a class expected");
    if (hex.p != NULL)
        return find_by_id(q, hex, id, &f, err);
    if (f.name.n == 0 || f.name.n > OBJECT_NAME_MAX)
        return error_set(err, ERR_INVALID,
                         "a name of 1 to %d bytes expected, got %zu",
                         OBJECT_NAME_MAX, f.name.n);
    int rc = find_named(q, class_name, &f, err);
    if (rc == 0 && oid_from_hex(f.name.p, f.name.n, id))
        return find_by_id(q, f.name, id, &f, err);
    *name = f.name;
    if (rc == 0)
        id_of_name(q, class_name, f.name, id);
    return rc;
}

static int on_near(void *arg, const struct directory_entry *e)
{
    if (e->name.n != 0)
        add_word(arg, e->name);
    return 0;
}

int question_no_object(struct question *q, struct error *err)
{
    struct slice class_name = row_text(q->asked, "class");
    struct slice name = row_text(q->asked, "name");
    struct directory_query query = {.class_name = class_name, .limit = 1000};
    struct words near = {0};
    char what[300];

    bool is_id = row_text(q->asked, "id").p != NULL;

    if (is_id)
        name = row_text(q->asked, "id");
    /* Those that begin alike, and the first ones. */
    query.prefix = (struct slice){name.p, name.n > 1 ? 2 : name.n};
    directory_list(q->directory, &query, on_near, &near, NULL);
    query.prefix = (struct slice){0};
    directory_list(q->directory, &query, on_near, &near, NULL);
    snprintf(what, sizeof(what), "object of class %.*s %s", (int)class_name.n,
             class_name.p, is_id ? "has the id" : "is called");
    int rc = not_found(what, name, &near, err);
    words_fini(&near);
    return rc;
}
