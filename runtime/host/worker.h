/*
 * worker.h - one thread with its loop: a server, a router, the objects whose
 * ids fall to it.
 *
 *   loop: timers -> [run objects] -> poll (sockets, mail, store) -> [run
 * objects]
 *
 * Made and freed by the main thread while it does not run.  Without a server
 * when the node is offline.
 */
#ifndef HOST_WORKER_H
#define HOST_WORKER_H

#include <stdbool.h>
#include <uv.h>

#include "base/err.h"
#include "host/census.h"
#include "host/mail.h"
#include "host/meter.h"
#include "host/quiet.h"
#include "net/server.h"
#include "object/realm.h"
#include "store/store.h"

struct assets;
struct console;
struct link_end;
struct node;
struct outbound;
struct ws_hub;

struct worker {
    struct node *node;
    struct console *console; /* the one it serves, set before worker_init;
                                NULL: it has objects */
    int index;
    bool is_still; /* has neither loop nor thread (worker_still.h) */
    uv_loop_t loop;
    uv_thread_t thread;
    uv_async_t async;     /* mail, or news from the store */
    uv_prepare_t prepare; /* runs objects before the poll ... */
    uv_check_t check;     /* ... and after it */
    uv_idle_t idle;       /* active while objects are left to run */
    uv_timer_t drain;     /* asks whether all is done */
    struct quiet quiet;   /* gives memory back after a burst */
    struct inbox inbox;
    struct realm realm;
    struct store_client *store;
    struct server *server; /* NULL: it has none */
    struct assets *assets; /* NULL: there are none */
    struct ws_hub *hub;
    struct outbound *outbound;
    struct link_end *links; /* hash by number of socket */
    struct list answered;   /* requests whose responses are to be sent */
    struct census census;
    struct meter meter;
    bool is_server_drained, is_drain_told;
    int open_ends; /* realm, server, assets and so on, while they close */
};

/* Make worker `index` of `n`: loop, store client, realm, server at `address`.
 * ERR_BUSY, ERR_INVALID, ERR_IO of server_open. */
int worker_init(struct worker *w, struct node *n, int index,
                const char *address, struct error *err);
/* Start its thread. */
void worker_start(struct worker *w);
/* Wait for the thread's end (after LETTER_CLOSE). */
void worker_join(struct worker *w);
/* After worker_join of all: what waited for others hears that it is over. */
void worker_settle(struct worker *w);
/* Free what it has; after worker_settle of all. */
void worker_fini(struct worker *w);
/* Post `l` (taken over) to `w`; any thread. */
void worker_send(struct worker *w, struct letter *l);
/* Open the letters that came, in order. */
void worker_receive(struct worker *w);
/* What its realm begins with, but for the loop. */
struct realm_config worker_realm_config(struct worker *w);

#endif
