#include "object/chore.h"

#include "base/err.h"
#include "base/must.h"
#include "object/realm.h"

static void on_thread(uv_work_t *work)
{
    struct chore *c = container_of(work, struct chore, work);

    c->run(c);
}

/* Out of the list already: the realm closes. */
static void end(struct chore *c)
{
    int status = list_empty(&c->link) ? ERR_CANCELED : 0;

    list_unlink(&c->link);
    c->done(c, status);
}

static void after_thread(uv_work_t *work, int status)
{
    (void)status;
    end(container_of(work, struct chore, work));
}

static void on_tick(struct timer *t)
{
    struct chore *c = container_of(t, struct chore, timer);

    c->run(c);
    end(c);
}

void chore_start(struct realm *r, struct chore *c)
{
    uv_loop_t *loop = r->config.loop;

    c->realm = r;
    c->timer = (struct timer){0};
    list_push(&r->chores, &c->link);
    if (loop == NULL)
        timer_start(&r->timers, &c->timer, 0, on_tick);
    else
        MUST(uv_queue_work(loop, &c->work, on_thread, after_thread) == 0);
}

void chore_close(struct realm *r)
{
    struct list *link;

    while ((link = list_shift(&r->chores)) != NULL) {
        struct chore *c = container_of(link, struct chore, link);

        if (r->config.loop != NULL) {
            uv_cancel((uv_req_t *)&c->work); /* no matter if it has begun */
            continue;
        }
        timer_stop(&c->timer);
        end(c);
    }
}
