#include "cli/format.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void format_bytes(struct buf *out, int64_t bytes)
{
    static const char *const units[] = {"KB", "MB", "GB", "TB", "PB", "EB"};
    double size = (double)bytes;
    size_t unit = 0;

    if (bytes < 1000) {
        buf_printf(out, "%" PRId64 " B", bytes);
        return;
    }
    size /= 1000;
    while (size >= 999.5 && unit < 5) {
        size /= 1000;
        unit++;
    }
    buf_printf(out, size < 9.95 ? "%.1f %s" : "%.0f %s", size, units[unit]);
}

void format_duration(struct buf *out, int64_t ms)
{
    const int64_t second = 1000;
    const int64_t minute = 60 * second;
    const int64_t hour = 60 * minute;
    const int64_t day = 24 * hour;

    if (ms < second)
        buf_printf(out, "%" PRId64 " ms", ms);
    else if (ms < 2 * minute)
        buf_printf(out, "%" PRId64 " s", ms / second);
    else if (ms < 2 * hour)
        buf_printf(out, "%" PRId64 " min", ms / minute);
    else if (ms < 2 * day)
        buf_printf(out, "%" PRId64 " h", ms / hour);
    else if (ms < 730 * day)
        buf_printf(out, "%" PRId64 " days", ms / day);
    else
        buf_printf(out, "%" PRId64 " years", ms / (365 * day));
}

void format_when(struct buf *out, int64_t ms, int64_t now_ms)
{
    bool is_later = ms > now_ms;
    /* Times that nobody can mean must not overflow. */
    uint64_t apart = is_later ? (uint64_t)ms - (uint64_t)now_ms
                              : (uint64_t)now_ms - (uint64_t)ms;

    if (apart < 1000) {
        buf_add_text(out, "now");
        return;
    }
    buf_add_text(out, is_later ? "in " : "");
    format_duration(out, apart > INT64_MAX ? INT64_MAX : (int64_t)apart);
    buf_add_text(out, is_later ? "" : " ago");
}

void format_count(struct buf *out, int64_t n)
{
    char digits[32];
    int length = snprintf(digits, sizeof(digits), "%" PRId64, n);

    for (int i = 0; i < length; i++) {
        if (i != 0 && (length - i) % 3 == 0 && digits[i - 1] != '-')
            buf_add_byte(out, ',');
        buf_add_byte(out, digits[i]);
    }
}
