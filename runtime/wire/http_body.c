#include "wire/http_body.h"

#include "base/err.h"
#include "base/text.h"

enum { SIZE_DIGITS_MAX = 15 };

enum step {
    STEP_PLAIN, /* a body of known length */
    STEP_SIZE,
    STEP_EXTENSION,
    STEP_SIZE_LF,
    STEP_DATA,
    STEP_DATA_CR,
    STEP_DATA_LF,
    STEP_LINE, /* first byte of a trailer, or of the last line */
    STEP_TRAILER,
    STEP_TRAILER_LF,
    STEP_LAST_LF,
    STEP_DONE,
};

void http_body_init(struct http_body *b, int64_t length)
{
    *b = (struct http_body){.step = STEP_SIZE};
    if (length < 0)
        return;
    b->left = (uint64_t)length;
    b->step = length == 0 ? STEP_DONE : STEP_PLAIN;
}

bool http_body_is_done(const struct http_body *b)
{
    return b->step == STEP_DONE;
}

int64_t http_body_left(const struct http_body *b)
{
    if (b->step == STEP_DONE)
        return 0;
    return b->step == STEP_PLAIN ? (int64_t)b->left : -1;
}

static int go(struct http_body *b, enum step to)
{
    b->step = (uint8_t)to;
    return 0;
}

static int expect(struct http_body *b, char c, char wanted, enum step to)
{
    return c == wanted ? go(b, to) : ERR_PROTO;
}

static int read_size(struct http_body *b, char c)
{
    int value = text_hex_digit(c);

    if (value >= 0) {
        if (b->digits == SIZE_DIGITS_MAX)
            return ERR_PROTO;
        b->digits++;
        b->left = b->left << 4 | (unsigned)value;
        return 0;
    }
    if (b->digits == 0)
        return ERR_PROTO;
    if (c == ';')
        return go(b, STEP_EXTENSION);
    return expect(b, c, '\r', STEP_SIZE_LF);
}

static int count_extra(struct http_body *b, char c, uint32_t max)
{
    unsigned char byte = (unsigned char)c;

    if ((byte < ' ' && c != '\t') || byte == 0x7f || b->extra == max)
        return ERR_PROTO;
    b->extra++;
    return 0;
}

static int end_size(struct http_body *b, char c)
{
    if (b->left == 0)
        b->extra = 0;
    return expect(b, c, '\n', b->left == 0 ? STEP_LINE : STEP_DATA);
}

static int begin_line(struct http_body *b, char c)
{
    if (c == '\r')
        return go(b, STEP_LAST_LF);
    if (c == ' ' || c == '\t' || c == ':')
        return ERR_PROTO; /* a folded line, or a field without a name */
    b->step = STEP_TRAILER;
    return count_extra(b, c, HTTP_TRAILERS_MAX);
}

static int begin_chunk(struct http_body *b, char c)
{
    b->digits = 0;
    return expect(b, c, '\n', STEP_SIZE);
}

/* One byte of framing. */
static int read_byte(struct http_body *b, char c)
{
    switch ((enum step)b->step) {
    case STEP_SIZE:
        return read_size(b, c);
    case STEP_EXTENSION:
        return c == '\r' ? go(b, STEP_SIZE_LF)
                         : count_extra(b, c, HTTP_EXTENSIONS_MAX);
    case STEP_SIZE_LF:
        return end_size(b, c);
    case STEP_DATA_CR:
        return expect(b, c, '\r', STEP_DATA_LF);
    case STEP_DATA_LF:
        return begin_chunk(b, c);
    case STEP_LINE:
        return begin_line(b, c);
    case STEP_TRAILER:
        return c == '\r' ? go(b, STEP_TRAILER_LF)
                         : count_extra(b, c, HTTP_TRAILERS_MAX);
    case STEP_TRAILER_LF:
        return expect(b, c, '\n', STEP_LINE);
    case STEP_LAST_LF:
        return expect(b, c, '\n', STEP_DONE);
    case STEP_PLAIN:
    case STEP_DATA:
    case STEP_DONE:
        break;
    }
    return ERR_PROTO;
}

static void take_data(struct http_body *b, struct slice *in, struct slice *data)
{
    size_t n = in->n < b->left ? in->n : (size_t)b->left;

    *data = (struct slice){in->p, n};
    in->p += n;
    in->n -= n;
    b->left -= n;
    b->extra = b->extra > n ? b->extra - (uint32_t)n : 0;
    if (b->left == 0)
        b->step = b->step == STEP_PLAIN ? STEP_DONE : STEP_DATA_CR;
}

int http_body_next(struct http_body *b, struct slice *in, struct slice *data)
{
    *data = (struct slice){0};
    while (in->n != 0 && b->step != STEP_DONE) {
        if (b->step == STEP_PLAIN || b->step == STEP_DATA) {
            take_data(b, in, data);
            return 0;
        }
        int rc = read_byte(b, *in->p);

        if (rc != 0)
            return rc;
        in->p++;
        in->n--;
    }
    return 0;
}
