/* table.h - uthash, with the hash function that every compiler takes without a
 * warning. */
#ifndef OBJECT_TABLE_H
#define OBJECT_TABLE_H

#define HASH_FUNCTION HASH_FNV
#include <uthash.h>

#endif
