/* format.h - sizes and times for people: "4.1 KB", "in 3 min". */
#ifndef CLI_FORMAT_H
#define CLI_FORMAT_H

#include <stdint.h>

#include "base/buf.h"

/* Bytes, in units of 1,000: "312 B", "4.1 KB", "17 MB". */
void format_bytes(struct buf *out, int64_t bytes);
/* `ms`, since the Unix epoch, as seen at `now_ms`: "now", "in 3 min",
 * "2 days ago". */
void format_when(struct buf *out, int64_t ms, int64_t now_ms);
/* A length of time: "250 ms", "90 s", "3 min", "2 days". */
void format_duration(struct buf *out, int64_t ms);
/* With commas: "1,234,567". */
void format_count(struct buf *out, int64_t n);

#endif
