#include "host/errand.h"

#include "base/must.h"
#include "host/mail.h"
#include "host/worker.h"

/* On the stack of the one who waits. */
struct errand {
    errand_cb run;
    void *arg;
    uv_sem_t done;
    bool was_run;
};

bool errand_run(struct worker *w, errand_cb run, void *arg)
{
    struct errand e = {.run = run, .arg = arg};
    struct letter *l = letter_new(LETTER_ERRAND, NULL);

    MUST(uv_sem_init(&e.done, 0) == 0);
    l->errand = &e;
    worker_send(w, l);
    uv_sem_wait(&e.done);
    uv_sem_destroy(&e.done);
    return e.was_run;
}

void errand_receive(struct worker *w, struct letter *l)
{
    struct errand *e = l->errand;

    l->errand = NULL;
    e->run(w, e->arg);
    e->was_run = true;
    uv_sem_post(&e->done);
}

void errand_drop(struct errand *e)
{
    if (e != NULL)
        uv_sem_post(&e->done);
}
