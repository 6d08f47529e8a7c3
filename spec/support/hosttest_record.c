/*
 * hosttest_record.c - records of the commit log (record.h) for busted.
 */
#include "spec/support/hosttest.h"
#include "store/overlay.h"
#include "store/record.h"

int luaopen_hosttest_record(lua_State *L);

/* Add the page at the top: { number, bytes, old or nil }. */
static void encode_page(lua_State *L, struct buf *out)
{
    size_t n;

    lua_geti(L, -1, 1);
    lua_geti(L, -2, 2);
    lua_geti(L, -3, 3);
    const char *old = lua_tolstring(L, -1, &n);
    luaL_argcheck(L, old == NULL || n == STORE_PAGE, 1, "not a page");
    const char *page = luaL_checklstring(L, -2, &n);
    luaL_argcheck(L, n == STORE_PAGE, 1, "not a page");
    record_add_page(out, (uint32_t)luaL_checkinteger(L, -3),
                    (const uint8_t *)page, (const uint8_t *)old);
    lua_pop(L, 3);
}

/* T.encode{ kind=, class=, page_count=, alarm=, time=, number=,
 * segment=, base=, pages = { { number, bytes [, old] }, ... } } -> bytes */
static int record_encode(lua_State *L)
{
    struct buf out = {0};
    struct record r = {
        .kind = (enum record_kind)field(L, 1, "kind", RECORD_COMMIT),
        .epoch = 1,
        .page_count = (uint32_t)field(L, 1, "page_count", 1),
        .next_alarm = field(L, 1, "alarm", 0),
        .time_ms = field(L, 1, "time", 0),
    };
    struct record_head place = {
        .segment = (uint64_t)field(L, 1, "segment", 1),
        .number = (uint64_t)field(L, 1, "number", 1),
        .base = (uint64_t)field(L, 1, "base", 0),
    };

    lua_getfield(L, 1, "class");
    r.class_name = slice_of(luaL_optstring(L, -1, "C"));
    memset(r.id.b, 7, OID_SIZE);
    record_begin(&out, &r);
    lua_getfield(L, 1, "pages");
    lua_Integer count = lua_istable(L, -1) ? luaL_len(L, -1) : 0;
    for (lua_Integer i = 1; i <= count; i++) {
        lua_geti(L, -1, i);
        encode_page(L, &out);
        lua_pop(L, 1);
    }
    record_end(&out, 0, (uint32_t)count);
    record_place(out.p, &place);
    lua_pushlstring(L, out.p, out.n);
    buf_fini(&out);
    return 1;
}

/* Apply the record's pages to those of the table at 2; pushes what became of
 * them: { [number] = bytes }. */
static int decode_pages(lua_State *L, struct slice pages)
{
    struct record_page code;
    int rc;

    lua_newtable(L);
    while ((rc = record_next_page(&pages, &code)) > 0) {
        uint8_t page[STORE_PAGE] = {0};
        const char *old;
        size_t n;

        if (lua_istable(L, 2)) {
            lua_geti(L, 2, code.number);
            old = lua_tolstring(L, -1, &n);
            if (old != NULL && n == STORE_PAGE)
                memcpy(page, old, STORE_PAGE);
            lua_pop(L, 1);
        }
        if (record_apply_page(&code, page) != 0)
            return ERR_CORRUPT;
        lua_pushlstring(L, (char *)page, STORE_PAGE);
        lua_seti(L, -2, code.number);
    }
    return rc;
}

/* T.decode(bytes [, pages before]) -> table | nil, "head"|"body"|"pages"
 */
static int record_decode(lua_State *L)
{
    size_t n;
    const char *p = luaL_checklstring(L, 1, &n);
    struct record_head head;
    struct record r;

    lua_settop(L, 2);
    if (!record_read_head(p, n, &head))
        return fail(L, ERR_CORRUPT, "head");
    if (n - RECORD_HEAD < head.length ||
        record_read_body(&head, p + RECORD_HEAD, &r) != 0)
        return fail(L, ERR_CORRUPT, "body");
    lua_newtable(L);
    if (decode_pages(L, r.pages) != 0)
        return fail(L, ERR_CORRUPT, "pages");
    lua_setfield(L, -2, "pages");
    lua_pushlstring(L, r.class_name.p, r.class_name.n);
    lua_setfield(L, -2, "class");
    const struct {
        const char *name;
        lua_Integer value;
    } numbers[] = {
        {"kind", r.kind},
        {"page_count", r.page_count},
        {"changed", r.changed},
        {"alarm", r.next_alarm},
        {"time", r.time_ms},
        {"epoch", (lua_Integer)r.epoch},
        {"number", (lua_Integer)head.number},
        {"segment", (lua_Integer)head.segment},
        {"base", (lua_Integer)head.base},
        {"size", (lua_Integer)head.length + RECORD_HEAD},
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        lua_pushinteger(L, numbers[i].value);
        lua_setfield(L, -2, numbers[i].name);
    }
    return 1;
}

static const luaL_Reg functions[] = {
    {"encode", record_encode},
    {"decode", record_decode},
    {NULL, NULL},
};

int luaopen_hosttest_record(lua_State *L)
{
    luaL_newlib(L, functions);
    return 1;
}
