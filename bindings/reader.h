/*
 * reader.h - the operation behind reading a body: a userdata that gathers or
 * hands out its bytes for one task at a time.
 */
#ifndef BINDINGS_READER_H
#define BINDINGS_READER_H

#include <lua.h>

#include "base/body.h"
#include "base/slice.h"

struct reader;
struct task;

/* Push a reader of nothing. [raises: mem] */
struct reader *reader_push(lua_State *L);
/* Takes over the reference to `b`; NULL: a body without bytes.  Dropped with
 * the userdata; what was not read is abandoned. */
void reader_attach(struct reader *r, struct body *b);
/* `t` waits until all bytes are there, at most `max`; the binding yields
 * then.  Never raises. */
void reader_gather(struct reader *r, struct task *t, size_t max);
/* What was gathered, with a NUL behind it, borrowed from the reader.  Raises
 * why it is not whole. [raises] */
struct slice reader_text(lua_State *L, struct reader *r);
/* Free what was gathered, before the collector comes to it. */
void reader_clear(struct reader *r);
/* With the reader on top: push what `for` takes to iterate over chunks, four
 * values. [raises: mem] */
int reader_push_chunks(lua_State *L);

#endif
