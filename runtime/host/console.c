#include "host/console.h"

#include <stdlib.h>

#include "base/mem.h"
#include "bindings/script_state.h"
#include "host/address.h"
#include "host/asks.h"
#include "host/bridge.h"
#include "host/node_parts.h"
#include "object/event.h"
#include "vm/code.h"
#include "vm/value_put.h"

enum { MAP_OF_3 = 0x83 /* MessagePack */ };

struct console {
    struct worker worker;
    struct asks asks;
    struct host_ops ops;
    struct code *code;
    struct buf vars; /* env.vars of its script */
};

struct asks *console_asks(struct console *c)
{
    return &c->asks;
}

int console_port(const struct console *c)
{
    return server_port(c->worker.server);
}

static void put(struct buf *out, const char *key, const char *value)
{
    value_put_string(out, slice_of(key));
    value_put_string(out, slice_of(value == NULL ? "" : value));
}

/* Empty texts are settings that are not there. */
static void set_vars(struct console *c, const struct config *config)
{
    buf_add_byte(&c->vars, (char)MAP_OF_3);
    put(&c->vars, "admin", config->admin);
    put(&c->vars, "token", config->admin_token);
    put(&c->vars, "app", config->app);
}

void console_set_realm(struct console *c, struct realm_config *config)
{
    if (c == NULL)
        return;
    c->ops = bridge_host_ops;
    c->ops.fetch = asks_begin;
    c->ops.cancel_fetch = asks_cancel;
    config->host = &c->ops;
    config->code = c->code;
    config->vars = buf_slice(&c->vars);
    config->alarms.is_off = true;
    config->limits.fetches = 0;
}

void console_set_server(struct console *c, struct server_config *config)
{
    if (c == NULL)
        return;
    config->body_bytes = CONSOLE_BODY_BYTES;
    config->connections = CONSOLE_CONNECTIONS;
    config->others = NULL;
}

static void free_console(struct console *c)
{
    asks_fini(&c->asks);
    code_drop(c->code);
    buf_fini(&c->vars);
    free(c);
}

static void end_worker(struct console *c)
{
    worker_send(&c->worker, letter_new(LETTER_CLOSE, NULL));
    worker_join(&c->worker);
    worker_fini(&c->worker);
    free_console(c);
}

/* The script is loaded now, and begins to count for its charts. */
static void begin_script(struct console *c)
{
    struct event *e = event_new(EVENT_FETCH);

    e->request = request_build(
        &(struct request){.method = SLICE("GET"),
                          .url = SLICE("http://localhost/healthz"),
                          .target = SLICE("/healthz")});
    realm_route(&c->worker.realm, e);
}

int console_start(struct node *n, struct console **out, struct error *err)
{
    const struct config *config = node_config(n);
    struct console *c;

    *out = NULL;
    if (address_check_free(config->admin, err) != 0)
        return err->code;
    c = mem_zalloc(sizeof(*c));
    asks_init(&c->asks);
    c->code = script_code_console();
    set_vars(c, config);
    c->worker.console = c;
    int rc = worker_init(&c->worker, n, 0, config->admin, err);
    if (rc == 0)
        begin_script(c);
    worker_start(&c->worker);
    if (rc != 0) {
        end_worker(c);
        return rc;
    }
    *out = c;
    return 0;
}

void console_stop(struct console *c)
{
    if (c == NULL)
        return;
    asks_end(&c->asks);
    end_worker(c);
}
