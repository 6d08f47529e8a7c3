#include "net/curl_load.h"

#include <dlfcn.h>
#include <string.h>

#define LIBRARY "libcurl.so.4"

static int fail(struct error *err)
{
    return error_set(err, ERR_IO,
                     LIBRARY " is needed for outgoing connections: %s",
                     dlerror());
}

/* POSIX lets a function pointer be stored through an object's address. */
static int find(void *library, const char *name, void *out, struct error *err)
{
    void *found = dlsym(library, name);

    if (found == NULL)
        return fail(err);
    memcpy(out, &found, sizeof(found));
    return 0;
}

int curl_load(struct curl *c, struct error *err)
{
    if (c->is_loaded)
        return 0;
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);

    if (library == NULL)
        return fail(err);
#define X(name) {"curl_" #name, &c->name},
    const struct {
        const char *name;
        void *out;
    } names[] = {CURL_LOAD_MAP(X)};
#undef X
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        int rc = find(library, names[i].name, names[i].out, err);

        if (rc != 0)
            return rc;
    }
    if (c->global_init(CURL_GLOBAL_ALL) != CURLE_OK)
        return error_set(err, ERR_IO, LIBRARY " does not start");
    c->is_loaded = true;
    return 0;
}
