#include "net/shared.h"

enum { DATE_MS = 1000 };

struct slice shared_date(struct shared *s)
{
    uint64_t now = uv_now(s->loop);

    if (now >= s->date_until) {
        int64_t wall = clock_wall_ms(s->clock);

        http_date(wall, s->date);
        s->date_until = now + DATE_MS - (uint64_t)(wall % DATE_MS);
    }
    return (struct slice){s->date, HTTP_DATE_SIZE};
}
