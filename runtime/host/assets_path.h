/*
 * assets_path.h - which file a request asks for, by its name alone, and the
 * type of its bytes.  Pure.
 */
#ifndef HOST_ASSETS_PATH_H
#define HOST_ASSETS_PATH_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/slice.h"

/*
 * Put the name of the file below the folder of assets into `out`, NUL at its
 * end not counted: "a/b.css" for "/a/b.css?v=1", "a/index.html" for "/a/".
 * Segments are percent-decoded.  False when there can be none: an empty
 * segment, "." or "..", a name that begins with a dot (but for .well-known in
 * front), one with a slash, backslash, NUL or other control character in it,
 * wrong percent-encoding, too long.
 */
bool assets_path_find(struct slice target, struct buf *out);
/* The first name in a path of assets_path_find. */
struct slice assets_path_first(struct slice path);
/* The value of Content-Type by the file's extension. */
struct slice assets_path_type(struct slice path);

#endif
