/*
 * label.h - what a call is called in messages: `Account 'a'.transfer`.
 */
#ifndef OBJECT_LABEL_H
#define OBJECT_LABEL_H

#include "base/buf.h"
#include "base/oid.h"

struct event;
struct object;

/* Whose call it is; at most one of class name and router. */
struct label {
    const char *class_name; /* NULL: not known */
    struct slice name;      /* empty: not known */
    const struct oid *oid;  /* NULL: a router */
    const char *method;     /* "": a function */
};

/* Add it to `out`; a long name is cut, what is not printable is replaced. */
void label_add(struct buf *out, const struct label *l);
/* The same of an event of `o`; a task is called by what started it. */
void label_event(struct buf *out, struct object *o, const struct event *e);

#endif
