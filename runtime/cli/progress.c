#include "cli/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "cli/format.h"

#define SECOND_NS 1000000000u
/* Shown after two seconds, then ten times a second. */
#define AFTER_NS (2 * (uint64_t)SECOND_NS)
#define AGAIN_NS (SECOND_NS / 10)

void progress_init(struct progress *p, const char *what)
{
    *p = (struct progress){.what = what,
                           .began_ns = clock_mono_ns(clock_system())};
}

void progress_init_bytes(struct progress *p)
{
    progress_init(p, NULL);
}

static void add_amount(const struct progress *p, struct buf *out, int64_t n)
{
    if (p->what == NULL)
        format_bytes(out, n);
    else
        format_count(out, n);
}

static void add_rate(const struct progress *p, struct buf *out, double rate,
                     int64_t left)
{
    buf_add_text(out, ", ");
    add_amount(p, out, (int64_t)rate);
    buf_add_text(out, "/s");
    if (left > 0 && rate > 0) {
        buf_add_text(out, ", ");
        format_duration(out, (int64_t)((double)left / rate) * 1000 + 1000);
        buf_add_text(out, " left");
    }
}

void progress_show(struct progress *p, int64_t done, int64_t total)
{
    uint64_t now = clock_mono_ns(clock_system());
    struct buf line = {0};

    if (now - p->began_ns < AFTER_NS || now - p->shown_ns < AGAIN_NS ||
        !isatty(STDERR_FILENO))
        return;
    p->shown_ns = now;
    add_amount(p, &line, done);
    if (total > 0) {
        buf_add_text(&line, " of ");
        add_amount(p, &line, total);
    }
    if (p->what != NULL)
        buf_printf(&line, " %s", p->what);
    add_rate(p, &line, (double)done * 1e9 / (double)(now - p->began_ns),
             total - done);
    fprintf(stderr, "\r\x1b[K%.*s", (int)line.n, line.p);
    fflush(stderr);
    p->is_shown = true;
    buf_fini(&line);
}

void progress_clear(struct progress *p)
{
    if (p->is_shown)
        fputs("\r\x1b[K", stderr);
    p->is_shown = false;
}
