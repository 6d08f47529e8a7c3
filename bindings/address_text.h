/* address_text.h - ids and stubs in stored values, as text (value_text.h). */
#ifndef BINDINGS_ADDRESS_TEXT_H
#define BINDINGS_ADDRESS_TEXT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/slice.h"

/* A value_text_cb: `<stub Counter/main>`, `<id Counter/59002eb8...>`. */
bool address_text(struct buf *out, int type, struct slice payload);

#endif
