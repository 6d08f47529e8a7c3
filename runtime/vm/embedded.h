/* embedded.h - the files of lua/, as bytes in the program (made by make). */
#ifndef VM_EMBEDDED_H
#define VM_EMBEDDED_H

#include <stddef.h>

struct embedded {
    const char *name;           /* "class" for lua/class.lua */
    const unsigned char *bytes; /* the source */
    size_t size;
};

/* Ends with an entry whose name is NULL. */
extern const struct embedded embedded_files[];
/* The same of lua/test/, for the module moonkeep.test alone. */
extern const struct embedded embedded_test_files[];
/* Of lua/check/, for `moonkeep check`, and of lua/library/, the annotations. */
extern const struct embedded embedded_check_files[];
extern const struct embedded embedded_library_files[];
/* Of lua/console/, for the console's state alone; files that are no Lua are
 * modules that return their text ("page_css"). */
extern const struct embedded embedded_console_files[];
/* Of lua/templates/, for `moonkeep new`: by path ("counter/main.lua"). */
extern const struct embedded embedded_template_files[];

#endif
