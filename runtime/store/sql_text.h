/* sql_text.h - the little of SQL's syntax that is read here: where a statement
 * begins, and whether anything follows it. */
#ifndef STORE_SQL_TEXT_H
#define STORE_SQL_TEXT_H

#include <stdbool.h>

#include "base/slice.h"

/* `s` without the white space, comments and empty statements before it. */
struct slice sql_text_skip(struct slice s);
/* `s` without the white space after its last semicolon, which SQLite does not
 * take for a part of the statement; nothing is cut where there is none. */
struct slice sql_text_trim(struct slice s);
/* `s`, past what sql_text_skip skips, begins with the keyword `word`. */
bool sql_text_starts(struct slice s, struct slice word);
/* A name that begins with "_mk_", in any case, stands somewhere in `s`. */
bool sql_text_has_reserved(struct slice s);

#endif
