/*
 * requests.h - HTTP requests on their way to the router, and the answers.
 *
 *   exchange --event--> router                reply --response--> exchange
 */
#ifndef HOST_REQUESTS_H
#define HOST_REQUESTS_H

#include "net/port.h"

struct event;
struct failure;
struct patience;
struct response;
struct worker;

/* What the server of `w` calls. */
struct net_handler requests_net_handler(struct worker *w);
/* What a client gets when the router has failed with `f`, which is logged; 504
 * only for what was late because its request, with `p`, had no time left. */
struct response *requests_answer_failure(struct worker *w,
                                         const struct failure *f,
                                         const struct patience *p);
/* ... and when it has not answered `e` in time, which is logged. */
struct response *requests_answer_late(struct worker *w, const struct event *e);
/* Send the responses that have come since the last call, in their order. */
void requests_answer(struct worker *w);

#endif
