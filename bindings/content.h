/*
 * content.h - the body of a Request or Response as a script has it, and the
 * reading of it.
 *
 *   string ----------------+
 *   function --stream.c--> +--> read once (text, json, form, chunks)
 *   struct body -----------+    or handed over (content_take)
 *
 * User value 1 of the userdata is the string or function; struct content is
 * the first member of its struct.  Every reading waits.
 */
#ifndef BINDINGS_CONTENT_H
#define BINDINGS_CONTENT_H

#include <stdbool.h>

#include <lua.h>

#include "base/body.h"
#include "base/slice.h"

struct content {
    struct body *body; /* owned; NULL: none, or user value 1 */
    bool is_used;      /* read or handed over */
    bool is_plain;     /* as it came: no user value was ever set */
    bool is_once;      /* a string too is handed over once */
};

/* Each with the userdata at 1; to be returned by the binding.  Raise "body
 * already used" the second time. [raises] */
int content_text(lua_State *L, struct content *c);
int content_json(lua_State *L, struct content *c);
/* `type`: the value of Content-Type. */
int content_form(lua_State *L, struct content *c, struct slice type);
int content_chunks(lua_State *L, struct content *c);

/* Give the userdata at `to` the same bytes that the one at `from` still has;
 * bind_keep was called for both. [raises] */
void content_clone(lua_State *L, int from, int to);
/* There is a body that was used already. */
bool content_is_used(const struct content *c);
/* The body of the userdata at `idx`, owned by the caller, who must not raise
 * before giving it on; NULL without one.  It counts as used, but for a string
 * with CONTENT_AGAIN.  Raises when it was used already. [raises] */
enum content_use { CONTENT_ONCE, CONTENT_AGAIN };
struct body *content_take(lua_State *L, int idx, enum content_use use);
/* The same where nothing was touched since it came with `body` (or NULL), which
 * its owner may then hand over as it is: `c` gives up its own reference. False,
 * and nothing is done, otherwise.  Never raises. */
bool content_pass_on(struct content *c, const struct body *body);
/* For __gc: nobody will read it. */
void content_fini(struct content *c);

/* form.c: push table name -> first value and name -> array of values of the
 * urlencoded or multipart form in `text`. [raises] */
void form_push(lua_State *L, struct slice type, struct slice text);

/* stream.c: run the function at `idx` as a task that writes a new body; the
 * reader's reference, owned by the caller. [raises] */
struct body *stream_start(lua_State *L, int idx);

#endif
