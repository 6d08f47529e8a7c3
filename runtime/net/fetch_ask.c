#include "net/fetch_ask.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/curl_text.h"
#include "net/fetch.h"
#include "wire/http_list.h"
#include "wire/http_reply.h"

int fetch_ask_init(struct fetch_ask *a, struct request *rq, struct error *err)
{
    *a = (struct fetch_ask){.request = rq};
    a->method = mem_dup(rq->method.p, rq->method.n);
    a->url = mem_dup(rq->url.p, rq->url.n);
    fetch_source_init(&a->source, rq->body);
    a->has_source = rq->body != NULL && strcmp(a->method, "HEAD") != 0;
    if (!http_list_is_token(rq->method))
        return error_set(err, ERR_INVALID, "not a method: '%s'", a->method);
    if (strlen(a->url) != rq->url.n)
        return error_set(err, ERR_INVALID, "not a URL: '%s'", a->url);
    return 0;
}

void fetch_ask_fini(struct fetch_ask *a)
{
    fetch_source_fini(&a->source);
    free(a->method);
    free(a->url);
    request_drop(a->request);
    *a = (struct fetch_ask){0};
}

/* ---- Fields ---- */

static bool is_one_of(struct slice name, const char *const *names)
{
    for (; *names != NULL; names++) {
        if (slice_eq_nocase(name, slice_of(*names)))
            return true;
    }
    return false;
}

static bool is_sent(const struct fetch_ask *a, const struct field *f)
{
    static const char *const connection[] = {"host",
                                             "connection",
                                             "content-length",
                                             "keep-alive",
                                             "te",
                                             "trailer",
                                             "upgrade",
                                             "expect",
                                             "http2-settings",
                                             "transfer-encoding",
                                             NULL};
    static const char *const secret[] = {"authorization", "cookie",
                                         "proxy-authorization", NULL};
    static const char *const of_body[] = {
        "content-encoding", "content-language", "content-location",
        "content-type", NULL};

    return http_list_is_token(f->name) && http_reply_is_safe(f->value) &&
           !is_one_of(f->name, connection) &&
           !(a->is_foreign && is_one_of(f->name, secret)) &&
           !(a->redirects != 0 && !a->has_source &&
             is_one_of(f->name, of_body));
}

static struct curl_slist *add(const struct curl *curl, struct curl_slist *list,
                              const char *line)
{
    struct curl_slist *longer = curl->slist_append(list, line);

    return longer == NULL ? list : longer;
}

static struct curl_slist *make_fields(const struct fetch_ask *a,
                                      const struct curl *curl)
{
    const struct request *rq = a->request;
    struct curl_slist *list = add(curl, NULL, "Expect:"); /* none of it */
    struct buf line = {0};

    for (uint32_t i = 0; i < rq->field_count; i++) {
        const struct field *f = &rq->fields[i];

        if (!is_sent(a, f))
            continue;
        line.n = 0;
        buf_add_slice(&line, f->name);
        /* libcurl's way to say that the value is empty */
        buf_add_text(&line, f->value.n == 0 ? ";" : ": ");
        buf_add_slice(&line, f->value);
        buf_add_byte(&line, '\0');
        list = add(curl, list, line.p);
    }
    buf_fini(&line);
    return list;
}

/* ---- To libcurl ---- */

/* Methods that say how long their body is even when there is none. */
static bool expects_body(const char *method)
{
    return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
           strcmp(method, "PATCH") == 0;
}

void fetch_ask_apply(const struct fetch_ask *a, struct transfer *t)
{
    const struct curl *curl = transfer_curl(t);
    struct curl_slist *fields = make_fields(a, curl);
    bool uploads = a->has_source || expects_body(a->method);

    curl->easy_setopt(t->easy, CURLOPT_URL, a->url);
    curl->easy_setopt(t->easy, CURLOPT_HTTPGET, 1L);
    curl->easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, NULL);
    curl->easy_setopt(t->easy, CURLOPT_HTTPHEADER, fields);
    curl->slist_free_all(t->fields);
    t->fields = fields;
    if (strcmp(a->method, "HEAD") == 0) {
        curl->easy_setopt(t->easy, CURLOPT_NOBODY, 1L);
    } else if (uploads) {
        curl->easy_setopt(t->easy, CURLOPT_UPLOAD, 1L);
        curl->easy_setopt(t->easy, CURLOPT_INFILESIZE_LARGE,
                          (curl_off_t)(a->has_source ? a->source.length : 0));
    }
    if (uploads || strcmp(a->method, "GET") != 0)
        curl->easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, a->method);
}

/* ---- Redirects ---- */

bool fetch_ask_is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 ||
           status == 308;
}

static bool is_same_origin(const char *one, const char *other)
{
    struct curl_place a = curl_place_of(slice_of(one));
    struct curl_place b = curl_place_of(slice_of(other));

    return a.is_tls == b.is_tls && slice_eq_nocase(a.host, b.host) &&
           slice_eq(a.port, b.port);
}

static bool becomes_get(const char *method, int status)
{
    if (status == 303)
        return strcmp(method, "HEAD") != 0 && strcmp(method, "GET") != 0;
    return (status == 301 || status == 302) && strcmp(method, "POST") == 0;
}

int fetch_ask_redirect(struct fetch_ask *a, int status, const char *url,
                       struct error *err)
{
    if (a->redirects == FETCH_REDIRECTS_MAX)
        return error_set(err, ERR_PROTO,
                         "more than %d redirects, the last one to '%s'",
                         FETCH_REDIRECTS_MAX, url);
    a->redirects++;
    if (becomes_get(a->method, status)) {
        free(a->method);
        a->method = mem_dup("GET", 3);
        a->has_source = false;
    }
    if (a->has_source && fetch_source_rewind(&a->source) != 0)
        return error_set(err, ERR_PROTO,
                         "a redirect with %d needs the body again, which was "
                         "a stream",
                         status);
    a->is_foreign = a->is_foreign || !is_same_origin(a->url, url);
    free(a->url);
    a->url = mem_dup(url, strlen(url));
    return 0;
}
