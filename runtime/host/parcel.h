/*
 * parcel.h - requests and responses made fit to go to another thread: what is
 * shared is copied, a complete body travels as bytes, an open one by relay.
 */
#ifndef HOST_PARCEL_H
#define HOST_PARCEL_H

#include "host/mail.h"

/* Before sending `l` from `w`: its event's request, or its outcome's response,
 * is made the letter's alone. */
void parcel_request(struct worker *w, struct worker *to, struct letter *l);
void parcel_response(struct worker *w, struct worker *to, struct letter *l);
/* After receiving: the body is put back into the request of `e`, or into the
 * outcome's response. */
void parcel_open_request(struct worker *w, struct letter *l, struct event *e);
void parcel_open_response(struct worker *w, struct letter *l);

#endif
