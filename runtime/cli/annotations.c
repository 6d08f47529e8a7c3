#include "cli/annotations.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "vm/embedded.h"

static int failed(struct error *err, const char *path)
{
    return error_set(err, ERR_IO, "%s: %s", path, strerror(errno));
}

static int write_file(const char *path, const struct embedded *e,
                      struct error *err)
{
    FILE *f = fopen(path, "wbe");

    if (f == NULL)
        return failed(err, path);
    bool written = fwrite(e->bytes, 1, e->size, f) == e->size;
    /* Closing writes the rest. */
    bool closed = fclose(f) == 0;

    return written && closed ? 0 : failed(err, path);
}

int annotations_write(const char *folder, struct error *err)
{
    struct buf path = {0};
    int rc = 0;

    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return failed(err, folder);
    for (const struct embedded *e = embedded_library_files;
         e->name != NULL && rc == 0; e++) {
        path.n = 0;
        buf_printf(&path, "%s/%s.lua", folder, e->name);
        buf_add_byte(&path, '\0');
        rc = write_file(path.p, e, err);
    }
    buf_fini(&path);
    return rc;
}
