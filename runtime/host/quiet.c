#include "host/quiet.h"

#include "base/mem.h"
#include "base/must.h"
#include "object/realm.h"

enum {
    LOOK_MS = 1000,
    FEW_ROUNDS = 100 /* in that time; what is trimmed is made anew so often */
};

/* A watcher's place in the table is its descriptor: those above the highest
 * that is in use are empty, most of those below are not. */
static void trim(const struct quiet *q)
{
    const uv_loop_t *loop = q->timer.loop;

    realm_trim(q->realm);
    mem_trim_zeros(loop->watchers, loop->nwatchers * sizeof(void *));
    mem_trim();
}

static void on_look(uv_timer_t *timer)
{
    struct quiet *q = container_of(timer, struct quiet, timer);

    if (q->rounds == 0)
        realm_rest(q->realm);
    if (q->rounds < FEW_ROUNDS)
        trim(q);
    if (q->rounds == 0)
        uv_timer_stop(timer);
    q->rounds = 0;
    q->is_own = true;
}

void quiet_init(struct quiet *q, uv_loop_t *loop, struct realm *r)
{
    *q = (struct quiet){.realm = r};
    uv_timer_init(loop, &q->timer);
}

void quiet_round(struct quiet *q)
{
    if (q->is_own) {
        q->is_own = false;
        return;
    }
    if (q->rounds++ == 0 && !uv_is_active((const uv_handle_t *)&q->timer))
        uv_timer_start(&q->timer, on_look, LOOK_MS, LOOK_MS);
}

void quiet_close(struct quiet *q)
{
    uv_close((uv_handle_t *)&q->timer, NULL);
}
