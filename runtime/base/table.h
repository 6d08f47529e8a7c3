/*
 * table.h - uthash, tables whose links sit inside the members, with the hash
 * function that every compiler takes without a warning.
 */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#define HASH_FUNCTION HASH_FNV
#include <uthash.h>

/* uthash makes a table larger, never smaller.  Make it smaller when it has so
 * few members that a quarter of its buckets would do. */
void table_trim(UT_hash_table *t);
/* The same to that of `head`, which may be NULL. */
#define TABLE_TRIM(hh, head)                                                   \
    do {                                                                       \
        if ((head) != NULL)                                                    \
            table_trim((head)->hh.tbl);                                        \
    } while (0)

#ifdef __clang_analyzer__
/* Who points to whom in a table is more than the static analyzer follows, and
 * the macros are longer than a function may be.  For it they are functions of
 * which it knows what they are given, and no more. */
void *table_look(const void *head, const void *key, size_t n, unsigned hash);
void table_change(void *head, const void *key, size_t n, unsigned hash,
                  void *member);

#undef HASH_FIND
#undef HASH_FIND_BYHASHVALUE
#undef HASH_ADD_KEYPTR
#undef HASH_ADD_KEYPTR_BYHASHVALUE
#undef HASH_DELETE
#define HASH_FIND_BYHASHVALUE(hh, head, key, n, hash, out)                     \
    ((out) = table_look(head, key, n, hash))
#define HASH_FIND(hh, head, key, n, out)                                       \
    HASH_FIND_BYHASHVALUE(hh, head, key, n, 0, out)
#define HASH_ADD_KEYPTR_BYHASHVALUE(hh, head, key, n, hash, member)            \
    table_change(&(head), key, n, hash, member)
#define HASH_ADD_KEYPTR(hh, head, key, n, member)                              \
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, head, key, n, 0, member)
#define HASH_DELETE(hh, head, member) table_change(&(head), NULL, 0, 0, member)
#endif

#endif
