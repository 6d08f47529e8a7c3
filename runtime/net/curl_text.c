#include "net/curl_text.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static struct slice cut_at(struct slice s, const char *stops)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '\0' && strchr(stops, s.p[i]) != NULL)
            return (struct slice){s.p, i};
    }
    return s;
}

static struct slice skip(struct slice s, size_t n)
{
    return (struct slice){s.p + n, s.n - n};
}

struct curl_place curl_place_of(struct slice url)
{
    struct slice scheme = cut_at(url, ":");
    bool is_tls = slice_eq_nocase(scheme, SLICE("https"));
    size_t n = scheme.n + sizeof("://") - 1;
    struct slice at = cut_at(skip(url, n > url.n ? url.n : n), "/?#");
    const char *user = at.n == 0 ? NULL : memrchr(at.p, '@', at.n);

    if (user != NULL)
        at = skip(at, (size_t)(user + 1 - at.p));
    struct curl_place place = {.is_tls = is_tls, .authority = at};

    place.host = cut_at(at, at.n != 0 && at.p[0] == '[' ? "]" : ":");
    if (place.host.n < at.n && at.p[place.host.n] == ']')
        place.host.n++;
    place.port = skip(at, place.host.n);
    if (place.port.n > 1)
        place.port = skip(place.port, 1);
    else
        place.port = is_tls ? SLICE("443") : SLICE("80");
    return place;
}

/* Without a capital at its beginning, unless the word is a name: "OpenSSL". */
static void lower(char *text)
{
    size_t n = strcspn(text, " :/");
    size_t capitals = 0;

    for (size_t i = 0; i < n; i++)
        capitals += text[i] >= 'A' && text[i] <= 'Z';
    if (capitals == 1 && text[0] >= 'A' && text[0] <= 'Z')
        text[0] = (char)(text[0] - 'A' + 'a');
}

/* libcurl's own text of the failure, else its text for the code. */
static const char *detail_of(const struct transfer *t, CURLcode rc, char *out,
                             size_t size)
{
    snprintf(out, size, "%s",
             t->text[0] != '\0' ? t->text
                                : transfer_curl(t)->easy_strerror(rc));
    out[strcspn(out, "\r\n")] = '\0';
    lower(out);
    return out;
}

/* Why there is no connection: the system's word. */
static const char *reason_of(const struct transfer *t, char *out, size_t size)
{
    long number = 0;

    transfer_curl(t)->easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &number);
    snprintf(out, size, "%s",
             number == 0 ? "no answer" : strerror((int)number));
    lower(out);
    return out;
}

static const char *without(const char *text, const char *prefix)
{
    size_t n = strlen(prefix);

    return strncmp(text, prefix, n) == 0 ? text + n : text;
}

static int connection_text(const struct transfer *t, struct curl_place at,
                           struct error *err)
{
    char reason[128];

    if (t->denied[0] != '\0')
        return error_set(
            err, ERR_IO,
            "address %s is not allowed by the configuration (fetch.deny)",
            t->denied);
    return error_set(err, ERR_IO, "cannot connect to " CURL_PLACE ": %s",
                     CURL_PLACE_ARGS(at), reason_of(t, reason, sizeof(reason)));
}

static bool is_http(const char *url)
{
    return url != NULL && (strncasecmp(url, "http://", 7) == 0 ||
                           strncasecmp(url, "https://", 8) == 0);
}

static int no_http(struct curl_place at, const char *detail, struct error *err)
{
    return error_set(err, ERR_PROTO, "no HTTP from " CURL_PLACE ": %s",
                     CURL_PLACE_ARGS(at), detail);
}

int curl_text(const struct transfer *t, CURLcode rc, struct error *err)
{
    const char *url = NULL;
    char text[CURL_ERROR_SIZE];
    const char *detail = detail_of(t, rc, text, sizeof(text));

    transfer_curl(t)->easy_getinfo(t->easy, CURLINFO_EFFECTIVE_URL, &url);
    struct curl_place at = curl_place_of(slice_of(url == NULL ? "" : url));

    switch (rc) {
    case CURLE_COULDNT_RESOLVE_HOST:
        return error_set(err, ERR_IO, "cannot resolve '%.*s'", (int)at.host.n,
                         at.host.p);
    case CURLE_COULDNT_CONNECT:
        return connection_text(t, at, err);
    case CURLE_PEER_FAILED_VERIFICATION:
        return error_set(err, ERR_IO, "certificate of %.*s not accepted: %s",
                         (int)at.host.n, at.host.p,
                         without(detail, "SSL certificate problem: "));
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
        return error_set(err, ERR_IO, "no TLS with " CURL_PLACE ": %s",
                         CURL_PLACE_ARGS(at), detail);
    case CURLE_OPERATION_TIMEDOUT:
        return error_set(err, ERR_TIMEOUT, "no answer from " CURL_PLACE ": %s",
                         CURL_PLACE_ARGS(at), detail);
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        if (is_http(url)) /* then it is the answer that is none */
            return no_http(at, detail, err);
        return error_set(err, ERR_INVALID,
                         "expected a URL of http or https, got '%s': %s",
                         url == NULL ? "" : url, detail);
    case CURLE_GOT_NOTHING:
        return error_set(err, ERR_IO, CURL_PLACE " closed without an answer",
                         CURL_PLACE_ARGS(at));
    case CURLE_WEIRD_SERVER_REPLY:
        return no_http(at, detail, err);
    default:
        return error_set(err, ERR_IO, "connection to " CURL_PLACE ": %s",
                         CURL_PLACE_ARGS(at), detail);
    }
}
