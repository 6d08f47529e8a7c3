#include "cli/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/logline.h"
#include "base/mem.h"
#include "host/frames.h"
#include "host/node.h"
#include "host/question.h"
#include "host/row.h"

/* A server that starts or stops holds the folder, but does not listen. */
enum { PATIENCE_MS = 2000, RETRY_MS = 20 };

struct client {
    int fd; /* of a running server; -1: none */
    struct logger *logger;
    struct node *node; /* NULL: a server runs */
    enum node_end end; /* of the node */
};

static bool is_there(const char *folder, const char *name)
{
    struct buf path = {0};
    struct stat st;

    buf_printf(&path, "%s/%s", folder, name);
    buf_add_byte(&path, '\0');
    bool found = stat(path.p, &st) == 0;
    buf_fini(&path);
    return found;
}

/* The descriptor, or -1. */
static int connect_to(const char *folder)
{
    struct sockaddr_un address;
    int folder_fd;

    if (frames_address(folder, &address, &folder_fd) != 0)
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 &&
        connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        close(fd);
        fd = -1;
    }
    close(folder_fd);
    return fd;
}

static int open_either(struct client *c, const struct config *config,
                       enum client_need need, struct error *err)
{
    enum node_mode mode = need == CLIENT_SCRIPT ? NODE_PRIVATE : NODE_OFFLINE;

    c->fd = connect_to(config->data);
    if (c->fd >= 0)
        return 0;
    if (need == CLIENT_SERVER)
        return error_set(err, ERR_NOT_FOUND,
                         "no server runs on the data in "
                         "'%s'",
                         config->data);
    if (need == CLIENT_SCRIPT && config->main == NULL)
        return error_set(err, ERR_NOT_FOUND,
                         "no server runs on this data, and there is no script "
                         "here to run: name its moonkeep.lua with --config");
    return node_start(config, mode, c->logger, &c->node, err);
}

bool client_finds(const struct config *config, struct error *err)
{
    /* Opening it would make one. */
    if (is_there(config->data, "lock") || is_there(config->data, "log") ||
        is_there(config->data, "directory.sqlite"))
        return true;
    error_set(err, ERR_NOT_FOUND, "no data folder at '%s'", config->data);
    return false;
}

int client_open(const struct config *config, enum client_need need,
                struct client **out, struct error *err)
{
    struct client *c;
    int rc = ERR_LOCKED;

    *out = NULL;
    if (!client_finds(config, err))
        return ERR_NOT_FOUND;
    c = mem_zalloc(sizeof(*c));
    c->logger =
        logger_new(STDERR_FILENO, LOG_READABLE,
                   need == CLIENT_SCRIPT ? LOG_INFO : LOG_WARN, clock_system());
    for (int ms = 0; rc == ERR_LOCKED && ms <= PATIENCE_MS; ms += RETRY_MS) {
        if (ms != 0)
            nanosleep(&(struct timespec){.tv_nsec = RETRY_MS * 1000000}, NULL);
        rc = open_either(c, config, need, err);
    }
    if (rc != 0) {
        client_close(c);
        return rc;
    }
    *out = c;
    return 0;
}

bool client_is_server(const struct client *c)
{
    return c->node == NULL;
}

void client_set_patience(struct client *c, int seconds)
{
    struct timeval patience = {.tv_sec = seconds};

    if (c->fd >= 0)
        setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
}

bool client_is_there(const struct client *c)
{
    char rest[4096];
    ssize_t n = 1;

    while (c->fd >= 0 && n > 0)
        n = recv(c->fd, rest, sizeof(rest), MSG_DONTWAIT);
    return c->fd < 0 || n != 0;
}

void client_close(struct client *c)
{
    if (c == NULL)
        return;
    if (c->fd >= 0)
        close(c->fd);
    if (c->node != NULL)
        node_stop(c->node, c->end);
    node_free(c->node);
    logger_free(c->logger);
    free(c);
}

/* ---- asking ---- */

static int send_question(struct client *c, struct slice question)
{
    struct buf out = {0};

    buf_add(&out, FRAMES_MAGIC, FRAMES_MAGIC_N);
    frames_add(&out, question);
    int rc = frames_write(c->fd, buf_slice(&out));
    buf_fini(&out);
    return rc;
}

/* The last row: why there are no more. */
static int take_end(struct slice row, struct error *err)
{
    int code = (int)row_integer(row, "code");
    struct slice text = row_text(row, "text");

    return code == 0 ? 0 : error_set(err, code, "%.*s", (int)text.n, text.p);
}

static int ask_server(struct client *c, struct slice question,
                      int (*row)(void *arg, struct slice row), void *arg,
                      struct error *err)
{
    struct buf in = {0};
    int rc = ERR_CLOSED;
    int came = 1;
    bool is_over = false;

    error_set(err, ERR_CLOSED, "the server went away");
    /* It may have answered before it read all of it. */
    send_question(c, question);
    while (!is_over && (came = frames_read(c->fd, &in)) == 1) {
        is_over = row_is(buf_slice(&in), "end");
        if (is_over) {
            rc = take_end(buf_slice(&in), err);
        } else if (row(arg, buf_slice(&in)) != 0) {
            is_over = true;
            rc = 0;
        }
    }
    buf_fini(&in);
    if (came == ERR_TIMEOUT)
        rc = error_set(err, came, "the server does not answer");
    return rc;
}

int client_ask(struct client *c, struct slice question,
               int (*row)(void *arg, struct slice row), void *arg,
               struct error *err)
{
    if (c->node == NULL)
        return ask_server(c, question, row, arg, err);
    int rc = question_answer(c->node, question,
                             (struct answer){.row = row, .arg = arg}, err);

    /* What did not come in time is not waited for once more. */
    if (rc == ERR_TIMEOUT)
        c->end = NODE_AT_ONCE;
    return rc == ERR_CANCELED ? 0 : rc;
}
