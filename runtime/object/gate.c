#include "object/gate.h"

#include "base/must.h"

void gate_init(struct gate *g)
{
    list_init(&g->items);
    g->durable = 0;
}

static struct gate_item *item_of(struct list *link)
{
    return container_of(link, struct gate_item, link);
}

void gate_push(struct gate *g, struct gate_item *item, uint64_t number)
{
    struct list *after = g->items.prev;

    item->number = number;
    if (number <= g->durable) {
        list_init(&item->link);
        item->release(item, NULL);
        return;
    }
    while (after != &g->items && item_of(after)->number > number)
        after = after->prev;
    list_insert(after->next, &item->link);
}

void gate_open(struct gate *g, uint64_t durable)
{
    g->durable = durable;
    while (!list_empty(&g->items)) {
        struct gate_item *item = item_of(g->items.next);

        if (item->number > durable)
            break;
        list_unlink(&item->link);
        item->release(item, NULL);
    }
}

void gate_fail(struct gate *g, const struct error *failure)
{
    struct list failed;
    struct list *link;

    list_init(&failed);
    list_join(&failed, &g->items);
    while ((link = list_shift(&failed)) != NULL)
        item_of(link)->release(item_of(link), failure);
}
