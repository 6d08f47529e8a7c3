#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"

enum { PRINTF_ROOM = 64 };

char *buf_room(struct buf *b, size_t more)
{
    if (b->cap - b->n < more) {
        size_t want = b->n + more;
        size_t cap = b->cap < 64 ? 64 : b->cap;

        while (cap < want)
            cap *= 2;
        b->p = mem_realloc(b->p, cap);
        b->cap = cap;
    }
    return b->p + b->n;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
    if (n == 0)
        return;
    memcpy(buf_room(b, n), p, n);
    b->n += n;
}

void buf_add_slice(struct buf *b, struct slice s)
{
    buf_add(b, s.p, s.n);
}

void buf_add_text(struct buf *b, const char *text)
{
    buf_add(b, text, strlen(text));
}

void buf_add_byte(struct buf *b, int byte)
{
    *buf_room(b, 1) = (char)byte;
    b->n++;
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_list again;

    va_start(args, format);
    va_copy(again, args);
    char *at = buf_room(b, PRINTF_ROOM);
    int n = vsnprintf(at, b->cap - b->n, format, args);

    va_end(args);
    MUST(n >= 0);
    if ((size_t)n >= b->cap - b->n) {
        at = buf_room(b, (size_t)n + 1);
        vsnprintf(at, (size_t)n + 1, format, again);
    }
    va_end(again);
    b->n += (size_t)n;
}

void buf_shift(struct buf *b, size_t n)
{
    MUST(n <= b->n);
    b->n -= n;
    if (b->n != 0)
        memmove(b->p, b->p + n, b->n);
}

void buf_fini(struct buf *b)
{
    if (b->p != NULL) /* most are empty */
        free(b->p);
    *b = (struct buf){0};
}
