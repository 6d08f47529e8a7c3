#include "host/patience.h"

#include "base/body.h"
#include "base/must.h"
#include "object/chain.h"
#include "object/event.h"
#include "object/object.h"
#include "vm/task.h"
#include "vm/vm.h"

/* A client that is leaving is waited for so long, from its request on. */
#define LEAVING_NS 1000000000u
/* This part of the limit is what the router has to answer what is late. */
enum { GRACE = 16 };

static void on_passed(struct expiry *x);

static void start(struct patience *p, uint64_t due_ns)
{
    expiry_start(&p->realm->expiries, &p->expiry, due_ns, on_passed);
}

static void start_limit(struct patience *p)
{
    uint64_t limit = p->realm->config.limits.call_ns;

    if (p->due_ns != 0)
        start(p, p->due_ns + limit / GRACE);
}

void patience_begin(struct patience *p, struct realm *r, struct event *e,
                    void (*end)(struct patience *p, enum patience_end why))
{
    struct body *b = e->request->body;

    *p = (struct patience){
        .realm = r, .event = e, .began_ns = realm_now_ns(r), .end = end};
    expiry_init(&p->expiry);
    if (r->config.limits.call_ns == 0)
        return;
    p->due_ns = p->began_ns + r->config.limits.call_ns;
    if (b != NULL && !body_is_over(b))
        p->body = body_hold(b);
    else
        e->deadline_ns = p->due_ns;
    start_limit(p);
}

bool patience_is_spent(const struct patience *p)
{
    return p->due_ns != 0 && realm_now_ns(p->realm) >= p->due_ns;
}

void patience_over(struct patience *p)
{
    expiry_stop(&p->expiry);
    body_drop(p->body);
    p->body = NULL;
    p->event = NULL;
}

/* What has not begun comes to nothing. */
static void cancel(struct patience *p)
{
    struct event *e = p->event;

    if (p->realm->is_closing)
        return; /* all ends anyway */
    if (e->task != NULL)
        chain_cancel(vm_owner(e->task->vm), e);
    else if (realm_unroute(p->realm, e))
        p->event = NULL;
}

bool patience_give_up(struct patience *p)
{
    cancel(p);
    bool is_coming = p->event != NULL;

    patience_over(p);
    return is_coming;
}

void patience_leave(struct patience *p)
{
    uint64_t now = realm_now_ns(p->realm);
    uint64_t due = p->began_ns + LEAVING_NS;

    if (p->event == NULL || p->is_leaving)
        return;
    p->is_leaving = true;
    expiry_stop(&p->expiry);
    start(p, due < now ? now : due);
}

static void on_left(struct patience *p)
{
    p->is_leaving = false;
    cancel(p);
    if (p->event == NULL)
        p->end(p, PATIENCE_LEFT);
    else
        start_limit(p);
}

static bool is_on_its_way(const struct body *b)
{
    return b != NULL && !body_is_over(b) && !body_is_abandoned(b);
}

static void on_passed(struct expiry *x)
{
    struct patience *p = container_of(x, struct patience, expiry);

    if (p->is_leaving) {
        on_left(p);
    } else if (is_on_its_way(p->body)) {
        p->due_ns += p->realm->config.limits.call_ns;
        start_limit(p);
    } else {
        p->end(p, PATIENCE_LATE);
    }
}
