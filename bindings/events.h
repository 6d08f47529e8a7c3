/*
 * events.h - the script's side of events: what the object floor asks for in
 * object/port.h.
 */
#ifndef BINDINGS_EVENTS_H
#define BINDINGS_EVENTS_H

#include "object/port.h"

/* Every object and router runs on these. */
extern const struct script_ops bind_script_ops;

#endif
