/*
 * names.h - namespaces, ids and stubs: how a script names objects (API.md,
 * section 4).
 */
#ifndef BINDINGS_NAMES_H
#define BINDINGS_NAMES_H

#include <stdbool.h>

#include <lua.h>

#include "base/oid.h"
#include "object/realm.h"
#include "vm/value.h"

/* Types of extensions (vm/value.h): class name length, class name, id, object
 * name. */
enum { EXT_ID = VALUE_EXT_USER, EXT_STUB = VALUE_EXT_USER + 1 };
/* Sent only: a place in the struct targets beside the bytes (ref.h). */
enum { EXT_REF = VALUE_EXT_USER + 2 };

/* The payload of ids and stubs: the address of one object. */
struct address {
    const struct object_class *cls;
    struct oid oid;
    size_t name_n;
    char name[]; /* name_n bytes; none when the name is not known */
};

/* Push a namespace for the class called `name`.  [raises: mem] */
void bind_push_namespace(lua_State *L, const char *name);
struct bind_class;

/* Push userdata of `kind` that holds an address.  [raises: mem] */
struct address *bind_new_address(lua_State *L, const struct bind_class *kind,
                                 const struct object_class *cls,
                                 const struct oid *oid, struct slice name);
/* The class of the namespace at index 1. [raises] */
struct object_class *bind_check_namespace(lua_State *L);
/* Its method `list` (names_list.c). */
int bind_names_list(lua_State *L);
/* Push an id.  [raises: mem] */
void bind_push_id(lua_State *L, const struct object_class *cls,
                  const struct oid *oid, struct slice name);
/* Push a stub (stub.c).  [raises: mem] */
void bind_push_stub(lua_State *L, const struct object_class *cls,
                    const struct oid *oid, struct slice name);
/* The address of the id or stub at `idx`, NULL when it is neither. */
const struct address *bind_to_id(lua_State *L, int idx);
const struct address *bind_to_stub(lua_State *L, int idx);

/* The payload of an EXT_REF: 4 bytes. */
void names_pack_place(struct buf *out, uint32_t place);
bool names_unpack_place(struct slice in, uint32_t *place);

/* How ids and stubs are stored, and how they are sent; the same bytes.  With a
 * struct targets as `arg`, functions, targets and references are sent too. */
extern const struct value_hooks bind_stored_hooks;
extern const struct value_hooks bind_sent_hooks;

/* Make in the state what ids and namespaces need: for an image of it.
 * [raises: mem] */
void bind_prepare_names(lua_State *L);

#endif
