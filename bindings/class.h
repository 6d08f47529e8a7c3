/*
 * class.h - object classes: mk.class, and how handlers and methods are found.
 */
#ifndef BINDINGS_CLASS_H
#define BINDINGS_CLASS_H

#include <stdbool.h>

#include <lua.h>

/* Push the function mk.class. */
int bind_open_class(lua_State *L);
/* The value at `idx` was made by mk.class. */
bool class_is(lua_State *L, int idx);
/* Push the function `name` of the class at `idx` or of one of its bases;
 * false, and nothing pushed, when there is none or it is not a function.
 * Runs no script code. */
bool class_push_method(lua_State *L, int idx, const char *name);
/* A handler's name, which no call may use; "id" and "name" are not. */
bool class_is_handler(const char *name);
/* Raise that a handler, `name`, is no method for others. [raises] */
int class_raise_reserved(lua_State *L, const char *name);
/* May be called through a stub, as far as the name tells. */
bool class_is_public(const char *name);
/* May be the name of a class: an identifier that is not reserved; otherwise
 * `*why` says what is wrong. */
bool class_name_is_valid(const char *name, size_t n, const char **why);

#endif
