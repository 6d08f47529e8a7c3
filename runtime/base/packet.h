/*
 * packet.h - one outgoing WebSocket message, made once and shared by every
 * socket that it goes to.
 *
 * Reference-counted, belongs to one thread; the bytes do not change after
 * packet_new.  Not a network thing: net keeps in it what it makes of the bytes
 * (the frame's head, the compressed form), so that this is done once as well.
 */
#ifndef BASE_PACKET_H
#define BASE_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/* The longest head of an unmasked frame (RFC 6455, section 5.2). */
enum { PACKET_ROOM = 10 };

struct packet {
    uint32_t refs;
    bool is_binary;
    uint8_t head_n; /* bytes of the head at the end of `room`; 0: not made */
    size_t n;
    /* By net: the compressed form, owned; NULL: not made; the packet itself:
     * not worth it. */
    struct packet *deflated;
    char room[PACKET_ROOM]; /* directly before `bytes` */
    char bytes[];
};

/* Copies `bytes`; one reference. */
struct packet *packet_new(struct slice bytes, bool is_binary);
struct packet *packet_hold(struct packet *p);
void packet_drop(struct packet *p); /* NULL is allowed */

#endif
