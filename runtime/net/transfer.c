#include "net/transfer.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/must.h"
#include "net/outbound_inside.h"

static void free_transfer(struct transfer *t)
{
    struct outbound *o = t->outbound;

    if (t->is_added)
        o->curl.multi_remove_handle(o->multi, t->easy);
    o->curl.easy_cleanup(t->easy);
    o->curl.share_cleanup(t->share);
    o->curl.slist_free_all(t->fields);
    list_unlink(&t->member);
    free(t);
}

static void start(struct transfer *t)
{
    struct outbound *o = t->outbound;

    t->wants_start = false;
    if (t->is_added)
        o->curl.multi_remove_handle(o->multi, t->easy);
    t->is_added = true;
    t->text[0] = '\0';
    t->denied[0] = '\0';
    MUST(o->curl.multi_add_handle(o->multi, t->easy) == CURLM_OK);
}

static void do_one(struct transfer *t)
{
    if (t->is_closed) {
        free_transfer(t);
        return;
    }
    if (t->wants_start)
        start(t);
    if (!t->wants_resume)
        return;
    t->wants_resume = false;
    transfer_curl(t)->easy_pause(t->easy, CURLPAUSE_CONT);
}

void transfer_do_all(struct outbound *o)
{
    struct list todo;
    struct list *link;

    list_init(&todo);
    list_join(&todo, &o->todo);
    while ((link = list_shift(&todo)) != NULL)
        do_one(container_of(link, struct transfer, link));
}

static void do_soon(struct transfer *t)
{
    list_unlink(&t->link);
    list_push(&t->outbound->todo, &t->link);
    outbound_soon(t->outbound);
}

static const char *variable(const char *name)
{
    const char *value = getenv(name);

    return value == NULL || value[0] == '\0' ? NULL : value;
}

/* libcurl knows the system's certificates; unlike curl(1) it does not look into
 * the environment.  It reads a file of them once, but anew for each connection
 * when there is a folder as well (some 40 ms): so no folder beside a file. */
static void trust(const struct curl *curl, CURL *easy)
{
    const char *file = variable("CURL_CA_BUNDLE");
    const char *folder = variable("SSL_CERT_DIR");
    char *known = NULL;

    if (file == NULL)
        file = variable("SSL_CERT_FILE");
    if (file == NULL && folder == NULL)
        curl->easy_getinfo(easy, CURLINFO_CAINFO, &known);
    if (known != NULL && access(known, R_OK) == 0)
        file = known;
    if (file != NULL)
        curl->easy_setopt(easy, CURLOPT_CAINFO, file);
    if (file != NULL || folder != NULL)
        curl->easy_setopt(easy, CURLOPT_CAPATH, file == NULL ? folder : NULL);
}

/* In place of libcurl's own socket(2): the name is resolved by now. */
static curl_socket_t on_open(void *user, curlsocktype purpose,
                             struct curl_sockaddr *at)
{
    struct transfer *t = user;

    (void)purpose;
    if (fetch_policy_allows(t->outbound->policy, &at->addr))
        return socket(at->family, at->socktype | SOCK_CLOEXEC, at->protocol);
    uv_ip_name(&at->addr, t->denied, sizeof(t->denied));
    return CURL_SOCKET_BAD;
}

static void set_options(struct transfer *t, const char *url)
{
    const struct curl *curl = &t->outbound->curl;
    CURL *easy = t->easy;

    curl->easy_setopt(easy, CURLOPT_PRIVATE, t);
    curl->easy_setopt(easy, CURLOPT_ERRORBUFFER, t->text);
    curl->easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl->easy_setopt(easy, CURLOPT_OPENSOCKETDATA, t);
    curl->easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl->easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl->easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl->easy_setopt(easy, CURLOPT_URL, url);
    trust(curl, easy);
}

/* In the multi's own cache a kept connection counts as one that nobody uses;
 * whether it outlives the limits of age and number depends on the version. */
static bool set_apart(struct transfer *t)
{
    const struct curl *curl = &t->outbound->curl;

    t->share = curl->share_init();
    if (t->share == NULL)
        return false;
    curl->share_setopt(t->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT);
    curl->easy_setopt(t->easy, CURLOPT_SHARE, t->share);
    curl->easy_setopt(t->easy, CURLOPT_CONNECT_ONLY, 1L);
    return true;
}

int transfer_open(struct outbound *o, enum transfer_kind kind, const char *url,
                  struct transfer **out, struct error *err)
{
    *out = NULL;
    int rc = outbound_ready(o, err);

    if (rc != 0)
        return rc;
    CURL *easy = o->curl.easy_init();

    if (easy == NULL)
        return error_set(err, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
    struct transfer *t = mem_zalloc(sizeof(*t));

    t->outbound = o;
    t->easy = easy;
    list_init(&t->link);
    list_push(&o->transfers, &t->member);
    set_options(t, url);
    if (kind == TRANSFER_CONNECT && !set_apart(t)) {
        free_transfer(t);
        return error_set(err, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
    }
    *out = t;
    return 0;
}

void transfer_start(struct transfer *t)
{
    t->wants_start = true;
    do_soon(t);
}

void transfer_resume(struct transfer *t)
{
    t->wants_resume = true;
    do_soon(t);
}

void transfer_close(struct transfer *t)
{
    if (t == NULL || t->is_closed)
        return;
    t->is_closed = true;
    t->handler = NULL;
    t->user = NULL;
    do_soon(t);
}

void transfer_hand_over(struct transfer *t,
                        const struct transfer_handler *handler, void *user)
{
    t->handler = handler;
    t->user = user;
}

const struct curl *transfer_curl(const struct transfer *t)
{
    return &t->outbound->curl;
}

int transfer_socket(const struct transfer *t)
{
    curl_socket_t s = CURL_SOCKET_BAD;

    t->outbound->curl.easy_getinfo(t->easy, CURLINFO_ACTIVESOCKET, &s);
    return s;
}
