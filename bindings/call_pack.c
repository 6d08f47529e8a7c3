/* call_pack.c - a call's event and its arguments. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "bindings/bind.h"
#include "bindings/call.h"
#include "bindings/names.h"

enum { CALL_BYTES_MAX = 32 * 1024 * 1024 };

struct event *call_event(const char *method)
{
    struct event *e = event_new(EVENT_CALL);

    e->method = mem_dup(method, strlen(method));
    return e;
}

void call_pack(lua_State *L, int top, struct event *e)
{
    struct value_hooks hooks = bind_sent_hooks;
    struct error err;
    char root[32];

    hooks.root = root;
    hooks.arg = &e->targets;
    for (int i = 2; i <= top; i++) {
        snprintf(root, sizeof(root), "argument %d", i - 1);
        int rc = value_encode(L, i, &hooks, CALL_BYTES_MAX - e->args.n,
                              &e->args, &err);

        if (rc != 0) {
            event_free(e);
            if (rc == ERR_TOO_BIG)
                error_set(&err, rc,
                          "%s: the arguments of a call are limited "
                          "to 32 MiB in all",
                          root);
            bind_raise_error(L, rc == ERR_TOO_BIG ? "too_large" : NULL, &err);
        }
        e->arg_count++;
    }
}
