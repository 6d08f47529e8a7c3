/*
 * list.h - intrusive doubly linked list: the link sits inside the member.
 *
 * A head and an unlinked member point to themselves, so unlinking twice is
 * harmless.  Members are reached with container_of.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *prev;
};

#ifndef __clang_analyzer__
static inline void list_init(struct list *l)
{
    l->next = l;
    l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}

/* Insert `m` before `at`; before the head means at the tail. */
static inline void list_insert(struct list *at, struct list *m)
{
    m->prev = at->prev;
    m->next = at;
    at->prev->next = m;
    at->prev = m;
}

static inline void list_push(struct list *head, struct list *m)
{
    list_insert(head, m);
}

/* Unlink `m`; harmless when it is in no list. */
static inline void list_unlink(struct list *m)
{
    m->prev->next = m->next;
    m->next->prev = m->prev;
    list_init(m);
}

/* Its first or last member, NULL when empty; stays where it is. */
static inline struct list *list_first(struct list *head)
{
    return list_empty(head) ? NULL : head->next;
}

static inline struct list *list_last(struct list *head)
{
    return list_empty(head) ? NULL : head->prev;
}

/* Unlink and return the first member, NULL when empty. */
static inline struct list *list_shift(struct list *head)
{
    struct list *m = head->next;

    if (m == head)
        return NULL;
    list_unlink(m);
    return m;
}

/* Move all members of `from` to the tail of `to`. */
static inline void list_join(struct list *to, struct list *from)
{
    if (list_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}

#else
/* Who points to whom in a ring is more than the static analyzer follows: it
 * sees members that were freed in lists that they have left.  For it these are
 * functions of which it knows nothing. */
void list_init(struct list *l);
bool list_empty(const struct list *l);
void list_insert(struct list *at, struct list *m);
void list_push(struct list *head, struct list *m);
void list_unlink(struct list *m);
struct list *list_first(struct list *head);
struct list *list_last(struct list *head);
struct list *list_shift(struct list *head);
void list_join(struct list *to, struct list *from);
#endif

#endif
