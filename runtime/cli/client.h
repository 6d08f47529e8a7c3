/*
 * client.h - a data folder as the commands see it: a running server, asked
 * through the socket in it, or, when none runs, the data itself, opened for as
 * long as the command takes.
 */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include <stdbool.h>

#include "base/err.h"
#include "base/slice.h"
#include "host/config.h"

struct client;

/* What is needed of the data when no server runs. */
enum client_need {
    CLIENT_DATA,
    CLIENT_SCRIPT, /* to run it, too */
    CLIENT_SERVER  /* there must be one */
};

/* Whether there is a data folder; else `*err` says so. */
bool client_finds(const struct config *config, struct error *err);
/*
 * `config` says where the data is; borrowed.  ERR_NOT_FOUND: there is no data
 * folder; ERR_LOCKED: another process holds it and does not answer; ERR_CORRUPT
 * ERR_LUA: the script does not load; ERR_NOT_FOUND as well: there is no server
 * where one is needed, or no script; and the others of node_start.  Blocks.
 */
int client_open(const struct config *config, enum client_need need,
                struct client **out, struct error *err);
/* Ask `question` (host/question.h) and call row(arg, row) for each row of the
 * answer; non-zero: no more are wanted.  0, also then; ERR_CLOSED: the server
 * went away; else what question_answer gave.  One question for each client. */
int client_ask(struct client *c, struct slice question,
               int (*row)(void *arg, struct slice row), void *arg,
               struct error *err);
/* Ask no longer than that for one row: then ERR_TIMEOUT. */
void client_set_patience(struct client *c, int seconds);
/* The server that was asked is still there (true without one); takes what it
 * has sent meanwhile. */
bool client_is_there(const struct client *c);
/* It is a running server that answers. */
bool client_is_server(const struct client *c);
void client_close(struct client *c); /* NULL is allowed */

#endif
