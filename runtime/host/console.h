/*
 * console.h - the page for who runs the server, with metrics and health, at
 * the address `admin` of the configuration.
 *
 *   browser, Prometheus --> server --> router: lua/console/ --asks.h--> node
 *
 * A worker of its own, with a thread, a loop and a server, but no objects: its
 * script is part of the program, and what it may ask no other script may.
 * Who may come in is checked there (lua/console/access.lua).
 */
#ifndef HOST_CONSOLE_H
#define HOST_CONSOLE_H

#include "base/err.h"

struct asks;
struct console;
struct node;
struct realm_config;
struct server_config;

enum { CONSOLE_CONNECTIONS = 256, CONSOLE_BODY_BYTES = 1 << 20 };

/* Serve at config->admin.  ERR_BUSY: the address is taken; ERR_IO. */
int console_start(struct node *n, struct console **out, struct error *err);
/* End it, while the node's workers still answer.  Blocks.  NULL is allowed. */
void console_stop(struct console *c);
/* The port it listens on. */
int console_port(const struct console *c);

/* ---- for its worker; NULL: another worker, nothing is set ---- */

struct asks *console_asks(struct console *c);
void console_set_realm(struct console *c, struct realm_config *config);
void console_set_server(struct console *c, struct server_config *config);

#endif
