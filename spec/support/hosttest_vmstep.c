/*
 * hosttest_vmstep - hosttest_vmlib with the libraries compiled so that they
 * may be made to pause at every single step.
 */
#define MATCH_SLICE            1
#define TABLE_SLICE            1
#define luaopen_hosttest_vmlib luaopen_hosttest_vmstep

#include "hosttest_vmlib.c"

#include "vm/pattern.c"
#include "vm/pattern_state.c"
#include "vm/sort.c"
#include "vm/strings.c"
#include "vm/strings_find.c"
#include "vm/strings_gmatch.c"
#include "vm/strings_gsub.c"
#include "vm/tables.c"
