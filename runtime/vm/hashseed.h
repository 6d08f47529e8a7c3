/*
 * hashseed.h - the seed of a state's string hashes, which lua_newstate takes
 * from addresses and the time, set instead: it decides the order of pairs over
 * strings.
 *
 * Where Lua keeps it is found out once per process: of two states that were
 * made alike at different places it is the one number that differs.
 */
#ifndef VM_HASHSEED_H
#define VM_HASHSEED_H

#include <stdbool.h>
#include <stdint.h>

#include <lua.h>

/* As lua_newstate, with that seed.  NULL: out of memory.  Where the place is
 * not found the seed is as Lua likes. */
lua_State *hashseed_new_state(lua_Alloc allocate, void *arg, uint32_t seed);
/* The place was found: seeds are what they are set to.  Any thread. */
bool hashseed_is_known(void);

#endif
