/* alarms.h - what the call of an alarm handler needs. */
#ifndef BINDINGS_ALARMS_H
#define BINDINGS_ALARMS_H

#include <lua.h>

/* Push `info` of the alarm that the object fires. [raises] */
void alarms_push_info(lua_State *L);

#endif
