#include "base/packet.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct packet *packet_new(struct slice bytes, bool is_binary)
{
    struct packet *p = mem_alloc(sizeof(*p) + bytes.n);

    *p = (struct packet){.refs = 1, .is_binary = is_binary, .n = bytes.n};
    if (bytes.n != 0)
        memcpy(p->bytes, bytes.p, bytes.n);
    return p;
}

struct packet *packet_hold(struct packet *p)
{
    p->refs++;
    return p;
}

void packet_drop(struct packet *p)
{
    if (p == NULL || --p->refs != 0)
        return;
    if (p->deflated != p)
        packet_drop(p->deflated);
    free(p);
}
