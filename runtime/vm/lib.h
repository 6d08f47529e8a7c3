/*
 * lib.h - the libraries `string` and `table` as scripts see them: the stock
 * ones, but that work which is not linear in the arguments is charged
 * (vm_charge) and that functions that call back can wait.
 *
 * Light C functions (no upvalues), complete lists, ending with {NULL, NULL};
 * `string` has no dump.  What stays as stock may be taken from a scratch
 * luaopen_string / luaopen_table: sandbox.c looks an entry whose func is NULL
 * up there.
 */
#ifndef VM_LIB_H
#define VM_LIB_H

#include <lauxlib.h>

extern const luaL_Reg vm_string_lib[];
extern const luaL_Reg vm_table_lib[];

#endif
