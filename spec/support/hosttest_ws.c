/*
 * hosttest_ws.c - runtime/wire/ws_*.h and http_list.h for busted.
 *
 *   T.read({ role=, compresses=, limit= }, piece, ...)  events, facts
 *   T.frame(first, payload [, key]), T.head(first, n [, key])
 *   T.close(code, reason), T.is_code(n), T.mask(text, key, offset)
 *   T.utf8(piece, ...)          "valid", "cut", or "invalid" and the piece
 *   T.pack(bits, text), T.unpack(data, limit [, before])
 *   T.deflate(text, options), T.inflate(bits, data)  zlib itself
 *   T.choose{ value, ... }, T.check(offered, { value, ... })
 *   T.server(request), T.refuse(request), T.answer(request, fields)
 *   T.has_protocol(request, name), T.is_protocols(list)
 *   T.key(nonce), T.accept(key), T.ask(offer), T.client(offer, status, fields)
 *   T.list(text, separator), T.sizes()
 */
#include <lauxlib.h>
#include <lua.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "wire/http_list.h"
#include "wire/ws_handshake.h"
#include "wire/ws_message.h"
#include "wire/ws_utf8.h"

static struct slice check_slice(lua_State *L, int idx)
{
    struct slice s;

    s.p = luaL_checklstring(L, idx, &s.n);
    return s;
}

static void push_slice(lua_State *L, struct slice s)
{
    lua_pushlstring(L, s.n == 0 ? "" : s.p, s.n);
}

/* Pushes the bytes and empties the buffer. */
static void push_buf(lua_State *L, struct buf *b)
{
    push_slice(L, buf_slice(b));
    buf_fini(b);
}

static const uint8_t *opt_key(lua_State *L, int idx)
{
    return (const uint8_t *)luaL_optstring(L, idx, NULL);
}

static bool flag(lua_State *L, int idx, const char *name)
{
    lua_getfield(L, idx, name);
    bool is_set = lua_toboolean(L, -1);

    lua_pop(L, 1);
    return is_set;
}

static lua_Integer integer(lua_State *L, int idx, const char *name,
                           lua_Integer otherwise)
{
    lua_getfield(L, idx, name);
    lua_Integer n = luaL_optinteger(L, -1, otherwise);

    lua_pop(L, 1);
    return n;
}

/* Borrowed from the table. */
static struct slice text(lua_State *L, int idx, const char *name)
{
    struct slice s = {0};

    lua_getfield(L, idx, name);
    s.p = lua_tolstring(L, -1, &s.n);
    lua_pop(L, 1);
    return s;
}

static void push_event(lua_State *L, enum ws_event_kind kind,
                       const struct ws_event *e)
{
    static const char *const kinds[] = {"more", "text",  "binary", "ping",
                                        "pong", "close", "fail"};
    int i = 1;

    lua_newtable(L);
    lua_pushstring(L, kinds[kind]);
    lua_rawseti(L, -2, i++);
    if (kind == WS_EVENT_CLOSE || kind == WS_EVENT_FAIL) {
        lua_pushinteger(L, e->code);
        lua_rawseti(L, -2, i++);
    }
    push_slice(L, e->bytes);
    lua_rawseti(L, -2, i);
}

/* Add the events of a piece to the table at the top; returns how many of them
 * borrow from the piece.  It is a copy of the exact size, so that a sanitizer
 * sees a read past it. */
static int read_piece(lua_State *L, struct ws_message *m, struct ws_deflate *z,
                      struct slice piece)
{
    char *copy = mem_alloc(piece.n == 0 ? 1 : piece.n);
    struct ws_bytes in = {copy, piece.n};
    struct ws_event e;
    enum ws_event_kind kind;
    int borrowed = 0;

    memcpy(copy, piece.p, piece.n);
    while ((kind = ws_message_next(m, &in, z, &e)) != WS_EVENT_MORE) {
        push_event(L, kind, &e);
        lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
        borrowed += e.bytes.n != 0 && e.bytes.p >= copy &&
                    e.bytes.p + e.bytes.n <= copy + piece.n;
    }
    free(copy);
    return borrowed;
}

/* Bytes that malloc has given out; 0 under a sanitizer. */
static size_t heap_now(void)
{
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}

/* facts: is_idle (nothing is held between messages), borrowed (so many events
 * point into the input), heap (bytes held at the end). */
static int t_read(lua_State *L)
{
    struct ws_deflate *z = ws_deflate_new();
    struct ws_message m;
    int pieces = lua_gettop(L);
    int borrowed = 0;
    size_t heap = 0;

    ws_message_init(&m,
                    slice_eq(text(L, 1, "role"), SLICE("client")) ? WS_CLIENT
                                                                  : WS_SERVER,
                    flag(L, 1, "compresses"),
                    (uint32_t)integer(L, 1, "limit", WS_MESSAGE_MAX));
    lua_newtable(L);
    for (int i = 2; i <= pieces; i++)
        borrowed += read_piece(L, &m, z, check_slice(L, i));
    lua_newtable(L);
    lua_pushboolean(L, m.partial == NULL);
    lua_setfield(L, -2, "is_idle");
    lua_pushinteger(L, borrowed);
    lua_setfield(L, -2, "borrowed");
    heap = heap_now();
    ws_message_fini(&m);
    lua_pushinteger(L, (lua_Integer)(heap - heap_now()));
    lua_setfield(L, -2, "heap");
    ws_deflate_free(z);
    return 2;
}

static int t_frame(lua_State *L)
{
    struct buf out = {0};

    ws_frame_put(&out, (unsigned)luaL_checkinteger(L, 1), check_slice(L, 2),
                 opt_key(L, 3));
    push_buf(L, &out);
    return 1;
}

static int t_head(lua_State *L)
{
    uint8_t out[WS_FRAME_HEAD_MAX];
    size_t n = ws_frame_head(out, (unsigned)luaL_checkinteger(L, 1),
                             (uint64_t)luaL_checkinteger(L, 2), opt_key(L, 3));

    lua_pushlstring(L, (char *)out, n);
    return 1;
}

static int t_close(lua_State *L)
{
    struct buf out = {0};

    ws_frame_put_close(&out, (int)luaL_checkinteger(L, 1), check_slice(L, 2),
                       NULL);
    push_buf(L, &out);
    return 1;
}

static int t_is_code(lua_State *L)
{
    lua_pushboolean(L, ws_frame_is_code((int)luaL_checkinteger(L, 1)));
    return 1;
}

/* T.mask(text, key, offset): in place, at that distance from an aligned
 * address; and into another place, which must come to the same. */
static int t_mask(lua_State *L)
{
    struct slice s = check_slice(L, 1);
    const uint8_t *key = opt_key(L, 2);
    size_t offset = (size_t)luaL_checkinteger(L, 3);
    char *place = mem_alloc(offset + s.n + 1);
    char *other = mem_alloc(s.n + 1);

    memcpy(place + offset, s.p, s.n);
    ws_frame_mask(place + offset, place + offset, s.n, key);
    ws_frame_mask(other, s.p, s.n, key);
    bool is_same = memcmp(place + offset, other, s.n) == 0;

    lua_pushlstring(L, other, s.n);
    lua_pushboolean(L, is_same);
    free(place);
    free(other);
    return 2;
}

static int t_utf8(lua_State *L)
{
    struct ws_utf8 u = {0};
    int top = lua_gettop(L);

    for (int i = 1; i <= top; i++) {
        struct slice s = check_slice(L, i);

        if (!ws_utf8_add(&u, s.p, s.n)) {
            lua_pushliteral(L, "invalid");
            lua_pushinteger(L, i);
            return 2;
        }
    }
    lua_pushstring(L, ws_utf8_may_end(&u) ? "valid" : "cut");
    return 1;
}

/* T.pack(bits, text) -> what it becomes; false: it stays as it is.  Twice, and
 * with another window before and between: nothing is kept of them. */
static int t_pack(lua_State *L)
{
    struct ws_deflate *z = ws_deflate_new();
    struct buf out[2] = {{0}};
    struct buf other = {0};
    int bits = (int)luaL_checkinteger(L, 1);
    bool done[2];

    for (int i = 0; i < 2; i++) {
        ws_deflate_pack(z, bits == 15 ? 9 : 15, check_slice(L, 2), &other);
        buf_add_text(&out[i], "before");
        done[i] = ws_deflate_pack(z, bits, check_slice(L, 2), &out[i]);
    }
    ws_deflate_free(z);
    bool is_same = slice_eq(buf_slice(&out[0]), buf_slice(&out[1]));

    if (done[0] && done[1] && is_same)
        lua_pushlstring(L, out[0].p + 6, out[0].n - 6);
    else
        lua_pushboolean(L, done[0] || done[1] || out[0].n != 6);
    buf_fini(&other);
    buf_fini(&out[0]);
    buf_fini(&out[1]);
    return 1;
}

/* T.unpack(data, limit [, before]): `before` is another message, which goes
 * through the same stream first. */
static int t_unpack(lua_State *L)
{
    struct ws_deflate *z = ws_deflate_new();
    struct buf out = {0};

    if (!lua_isnoneornil(L, 3))
        ws_deflate_unpack(z, check_slice(L, 3), 1000000, &out);
    buf_fini(&out);
    int rc = ws_deflate_unpack(z, check_slice(L, 1),
                               (size_t)luaL_checkinteger(L, 2), &out);

    ws_deflate_free(z);
    if (rc != 0) {
        lua_pushnil(L);
        lua_pushstring(L, err_name(rc));
        return 2;
    }
    push_buf(L, &out);
    return 1;
}

/* T.deflate(text, { level=, bits=, final= }): what another peer may make of it,
 * with its tail. */
static int t_deflate(lua_State *L)
{
    struct slice in = check_slice(L, 1);
    z_stream s = {0};
    size_t room = in.n + in.n / 100 + 1000;
    char *out = mem_alloc(room);

    deflateInit2(&s, (int)integer(L, 2, "level", 9), Z_DEFLATED,
                 -(int)integer(L, 2, "bits", 15), 9, Z_DEFAULT_STRATEGY);
    s.next_in = (Bytef *)(uintptr_t)in.p;
    s.avail_in = (uInt)in.n;
    s.next_out = (Bytef *)out;
    s.avail_out = (uInt)room;
    deflate(&s, flag(L, 2, "final") ? Z_FINISH : Z_SYNC_FLUSH);
    lua_pushlstring(L, out, room - s.avail_out);
    deflateEnd(&s);
    free(out);
    return 1;
}

/* T.inflate(bits, data): by a window of 2^bits bytes; nil if it fails.  In
 * small pieces, so that zlib has its window alone to look back into. */
static int t_inflate(lua_State *L)
{
    struct slice in = check_slice(L, 2);
    z_stream s = {.next_in = (Bytef *)(uintptr_t)in.p, .avail_in = (uInt)in.n};
    struct buf out = {0};
    char piece[64];
    int rc = Z_OK;

    inflateInit2(&s, -(int)luaL_checkinteger(L, 1));
    do {
        s.next_out = (Bytef *)piece;
        s.avail_out = sizeof(piece);
        rc = inflate(&s, Z_SYNC_FLUSH);
        buf_add(&out, piece, sizeof(piece) - s.avail_out);
    } while (rc == Z_OK && s.avail_out == 0);
    bool is_whole = s.avail_in == 0 && (rc == Z_OK || rc == Z_BUF_ERROR);

    inflateEnd(&s);
    push_buf(L, &out);
    if (!is_whole)
        lua_pushnil(L);
    return 1;
}

enum { FIELDS_MAX = 16 };

/* The array of { name, value } at `idx`; of strings: all of name `name`. */
static uint32_t read_fields(lua_State *L, int idx, const char *name,
                            struct field *out)
{
    uint32_t n = 0;

    if (lua_isnoneornil(L, idx))
        return 0;
    for (; lua_rawgeti(L, idx, n + 1) != LUA_TNIL && n < FIELDS_MAX; n++) {
        if (lua_type(L, -1) == LUA_TSTRING) {
            out[n] = (struct field){slice_of(name), check_slice(L, -1)};
        } else {
            lua_rawgeti(L, -1, 1);
            lua_rawgeti(L, -2, 2);
            out[n] = (struct field){check_slice(L, -2), check_slice(L, -1)};
            lua_pop(L, 2);
        }
        lua_pop(L, 1); /* the table keeps it */
    }
    lua_pop(L, 1);
    return n;
}

static void push_fields(lua_State *L, const struct field *f, uint32_t count)
{
    lua_newtable(L);
    for (uint32_t i = 0; i < count; i++) {
        lua_newtable(L);
        push_slice(L, f[i].name);
        lua_rawseti(L, -2, 1);
        push_slice(L, f[i].value);
        lua_rawseti(L, -2, 2);
        lua_rawseti(L, -2, i + 1);
    }
}

static int t_choose(lua_State *L)
{
    struct field fields[FIELDS_MAX];
    uint32_t n = read_fields(L, 1, "sec-websocket-Extensions", fields);
    const char *said = NULL;
    int bits = ws_extension_choose(fields, n, &said);

    if (bits < 0) {
        lua_pushnil(L);
        lua_pushstring(L, err_name(bits));
        return 2;
    }
    lua_pushinteger(L, bits);
    lua_pushstring(L, said);
    return 2;
}

static int t_check(lua_State *L)
{
    struct field fields[FIELDS_MAX];
    uint32_t n = read_fields(L, 2, "Sec-WebSocket-extensions", fields);
    const char *said = NULL;
    struct error e = {0};
    int bits = ws_extension_check(fields, n, lua_toboolean(L, 1), &said, &e);

    if (bits < 0) {
        lua_pushnil(L);
        lua_pushstring(L, e.text);
        return 2;
    }
    lua_pushinteger(L, bits);
    lua_pushstring(L, said);
    return 2;
}

/* { method=, body=, fields... } at 1. */
static struct request *read_request(lua_State *L)
{
    struct field fields[FIELDS_MAX];
    struct slice body = text(L, 1, "body");
    struct request src = {.field_count = read_fields(L, 1, "", fields),
                          .method = text(L, 1, "method"),
                          .url = SLICE("http://h/"),
                          .target = SLICE("/"),
                          .fields = fields,
                          .body = body.p == NULL ? NULL
                                                 : body_from(body.p, body.n)};

    if (src.method.p == NULL)
        src.method = SLICE("GET");
    return request_build(&src);
}

/* T.server(request) -> whether it is wanted, then a table */
static int t_server(lua_State *L)
{
    struct request *rq = read_request(L);
    struct ws_handshake h;

    lua_pushboolean(L, ws_handshake_is_wanted(rq));
    ws_handshake_check(rq, &h);
    request_drop(rq);
    lua_newtable(L);
    lua_pushinteger(L, h.status);
    lua_setfield(L, -2, "status");
    lua_pushstring(L, h.text);
    lua_setfield(L, -2, "text");
    lua_pushstring(L, h.accept);
    lua_setfield(L, -2, "accept");
    lua_pushstring(L, h.extensions);
    lua_setfield(L, -2, "extensions");
    lua_pushinteger(L, h.window_bits);
    lua_setfield(L, -2, "bits");
    return 2;
}

static int t_refuse(lua_State *L)
{
    struct request *rq = read_request(L);
    struct ws_handshake h;
    struct slice run;

    ws_handshake_check(rq, &h);
    request_drop(rq);
    struct response *rs = ws_handshake_refuse(&h);

    lua_pushinteger(L, rs->status);
    push_fields(L, rs->fields, rs->field_count);
    body_peek(rs->body, &run);
    push_slice(L, run);
    response_drop(rs);
    return 3;
}

static int t_answer(lua_State *L)
{
    struct field fields[FIELDS_MAX];
    struct request *rq = read_request(L);
    uint32_t n = read_fields(L, 2, "", fields);
    struct ws_handshake h;
    struct buf out = {0};

    ws_handshake_check(rq, &h);
    request_drop(rq);
    ws_handshake_answer(&h, fields, n, SLICE("D"), &out);
    push_buf(L, &out);
    return 1;
}

static int t_has_protocol(lua_State *L)
{
    struct request *rq = read_request(L);

    lua_pushboolean(L, ws_handshake_has_protocol(rq, check_slice(L, 2)));
    request_drop(rq);
    return 1;
}

static int t_is_protocols(lua_State *L)
{
    lua_pushboolean(L, ws_handshake_is_protocols(check_slice(L, 1)));
    return 1;
}

static int t_key(lua_State *L)
{
    char key[WS_HANDSHAKE_KEY + 1];

    ws_handshake_key((const uint8_t *)luaL_checkstring(L, 1), key);
    lua_pushstring(L, key);
    return 1;
}

static int t_accept(lua_State *L)
{
    char accept[WS_HANDSHAKE_ACCEPT + 1];

    ws_handshake_accept(check_slice(L, 1), accept);
    lua_pushstring(L, accept);
    return 1;
}

/* { key=, compresses=, protocols= } at 1. */
static struct ws_handshake_offer read_offer(lua_State *L)
{
    struct ws_handshake_offer o = {.compresses = flag(L, 1, "compresses"),
                                   .protocols = text(L, 1, "protocols")};

    memcpy(o.key, text(L, 1, "key").p, WS_HANDSHAKE_KEY);
    return o;
}

static int t_ask(lua_State *L)
{
    struct ws_handshake_offer o = read_offer(L);
    struct field fields[WS_HANDSHAKE_FIELDS];
    uint32_t n = ws_handshake_ask(&o, fields);

    push_fields(L, fields, n);
    return 1;
}

static int t_client(lua_State *L)
{
    struct ws_handshake_offer o = read_offer(L);
    struct field fields[FIELDS_MAX];
    uint32_t n = read_fields(L, 3, "", fields);
    struct ws_handshake_terms terms;
    struct error e = {0};
    int rc = ws_handshake_read(&o, (int)luaL_checkinteger(L, 2), fields, n,
                               &terms, &e);

    if (rc != 0) {
        lua_pushnil(L);
        lua_pushstring(L, e.text);
        return 2;
    }
    push_slice(L, terms.protocol);
    lua_pushstring(L, terms.extensions);
    lua_pushinteger(L, terms.window_bits);
    return 3;
}

static int t_list(lua_State *L)
{
    struct slice rest = check_slice(L, 1);
    struct slice element;

    lua_newtable(L);
    while (http_list_next(&rest, *luaL_checkstring(L, 2), &element)) {
        push_slice(L, element);
        lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    }
    return 1;
}

static int t_sizes(lua_State *L)
{
    lua_pushinteger(L, sizeof(struct ws_frame));
    lua_pushinteger(L, sizeof(struct ws_message));
    return 2;
}

static const luaL_Reg functions[] = {
    {"read", t_read},
    {"frame", t_frame},
    {"head", t_head},
    {"close", t_close},
    {"is_code", t_is_code},
    {"mask", t_mask},
    {"utf8", t_utf8},
    {"pack", t_pack},
    {"unpack", t_unpack},
    {"deflate", t_deflate},
    {"inflate", t_inflate},
    {"choose", t_choose},
    {"check", t_check},
    {"server", t_server},
    {"refuse", t_refuse},
    {"answer", t_answer},
    {"has_protocol", t_has_protocol},
    {"is_protocols", t_is_protocols},
    {"key", t_key},
    {"accept", t_accept},
    {"ask", t_ask},
    {"client", t_client},
    {"list", t_list},
    {"sizes", t_sizes},
    {NULL, NULL},
};

int luaopen_hosttest_ws(lua_State *L);

int luaopen_hosttest_ws(lua_State *L)
{
    luaL_newlib(L, functions);
    return 1;
}
