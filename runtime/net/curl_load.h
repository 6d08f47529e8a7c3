/*
 * curl_load.h - libcurl, loaded when the first outgoing connection is made.
 *
 * Not linked: its 30 libraries cost each start of the program 8 ms where it
 * takes 2 ms in all without them, and servers that call nobody need none.
 * Nor does its libcrypto then meet the one that is linked into the program.
 */
#ifndef NET_CURL_LOAD_H
#define NET_CURL_LOAD_H

#include <curl/curl.h>
#include <stdbool.h>

#include "base/err.h"

/* What is used of it: curl_easy_init and so on. */
#define CURL_LOAD_MAP(X)                                                       \
    X(global_init)                                                             \
    X(easy_init)                                                               \
    X(easy_cleanup)                                                            \
    X(easy_setopt)                                                             \
    X(easy_getinfo)                                                            \
    X(easy_strerror)                                                           \
    X(easy_pause)                                                              \
    X(easy_send)                                                               \
    X(easy_recv)                                                               \
    X(slist_append)                                                            \
    X(slist_free_all)                                                          \
    X(share_init)                                                              \
    X(share_setopt)                                                            \
    X(share_cleanup)                                                           \
    X(multi_init)                                                              \
    X(multi_cleanup)                                                           \
    X(multi_setopt)                                                            \
    X(multi_assign)                                                            \
    X(multi_add_handle)                                                        \
    X(multi_remove_handle)                                                     \
    X(multi_info_read)                                                         \
    X(multi_socket_action)

struct curl {
    bool is_loaded; /* the rest is set */
#define X(name) __typeof__(curl_##name) *(name);
    CURL_LOAD_MAP(X)
#undef X
};

/* Load it if `c` is not loaded yet.  It stays loaded until the process ends.
 * Returns 0, or ERR_IO with `err` set (NULL is allowed).  Any thread, each
 * with a `c` of its own. */
int curl_load(struct curl *c, struct error *err);

#endif
