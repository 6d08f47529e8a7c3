/* alarms.h - what others need of alarms: the call of the handler, and times as
 * setAlarm takes them. */
#ifndef BINDINGS_ALARMS_H
#define BINDINGS_ALARMS_H

#include <stdint.h>

#include <lua.h>

/* Push `info` of the alarm that the object fires. [raises] */
void alarms_push_info(lua_State *L);
/* The time at `idx`, in ms since the Unix epoch, for the method `function`.
 * [raises] */
int64_t alarms_check_time(lua_State *L, int idx, const char *function);

#endif
