/* What commits say of an object besides its pages, and what the directory is
 * told when that changes. */
#include "store/inside.h"

void pagefile_set_next_alarm(struct pagefile *f, int64_t ms)
{
    f->next_alarm = ms;
}

void pagefile_set_dead_letters(struct pagefile *f, int64_t count)
{
    f->dead_letters = count;
}

void pagefile_set_name(struct pagefile *f, struct slice name)
{
    f->name = name;
}

static struct directory_entry entry_of(const struct pagefile *f)
{
    const struct page_state *s = &f->state;

    return (struct directory_entry){
        .class_name = slice_of(f->class->name),
        .id = f->id,
        .name = f->name,
        .created = f->time_ms,
        .last_commit = f->time_ms,
        .bytes = (int64_t)s->page_count * STORE_PAGE,
        .next_alarm = s->next_alarm == -1 ? 0 : s->next_alarm,
        .dead = s->dead == -1 ? 0 : s->dead,
    };
}

static void note(struct pagefile *f, const struct directory_entry *e,
                 unsigned known)
{
    directory_note(f->client->store->directory, e, known);
}

void noting_absent(struct pagefile *f)
{
    struct directory_entry e = entry_of(f);

    note(f, &e, DIRECTORY_GONE);
}

/* Of an object that goes on: only what the directory may not have. */
static unsigned changes(const struct pagefile *f,
                        const struct page_state *before)
{
    const struct page_state *s = &f->state;
    unsigned known = 0;

    if (s->next_alarm != -1 && s->next_alarm != before->next_alarm)
        known |= DIRECTORY_ALARM;
    if (s->dead != -1 && s->dead != before->dead)
        known |= DIRECTORY_DEAD;
    if (f->name.n != 0)
        known |= DIRECTORY_NAME;
    return known;
}

void noting_commit(struct pagefile *f, const struct page_state *before)
{
    unsigned known;

    if (!f->state.exists)
        known = DIRECTORY_GONE;
    else if (!before->exists)
        known = DIRECTORY_NEW;
    else
        known = changes(f, before);
    if (known == DIRECTORY_NEW)
        f->noted_ms = f->time_ms;
    if (known != 0) {
        struct directory_entry e = entry_of(f);

        note(f, &e, known);
    }
    f->name = (struct slice){NULL, 0};
}

void noting_checkpoint(struct pagefile *f)
{
    if (!f->state.exists || f->noted_ms == f->time_ms)
        return;
    struct directory_entry e = entry_of(f);
    note(f, &e, DIRECTORY_SIZE);
    f->noted_ms = f->time_ms;
}

void noting_undone(struct pagefile *f)
{
    struct directory_entry e = entry_of(f);
    struct facts facts;
    struct error err = {0};

    if (!f->state.exists) {
        note(f, &e, DIRECTORY_GONE);
        return;
    }
    if (facts_read(f, &facts, &err) != 0) {
        logger_printf(f->client->store->config.logger, LOG_WARN,
                      "what the directory says of an object of class '%s' may "
                      "be wrong until `moonkeep verify --rebuild`: %s",
                      f->class->name, err.text);
        return;
    }
    e.name = buf_slice(&facts.name);
    e.next_alarm = facts.next_alarm;
    e.dead = facts.dead;
    note(f, &e,
         DIRECTORY_NAME | DIRECTORY_SIZE | DIRECTORY_ALARM | DIRECTORY_DEAD);
    facts_fini(&facts);
}
