#include "store/sql_code.h"

#include <sqlite3.h>
#include <stddef.h>

/* Without SQLITE_ in front. */
#define PRIMARY_MAP(X)                                                         \
    X(ERROR)                                                                   \
    X(INTERNAL)                                                                \
    X(PERM)                                                                    \
    X(ABORT)                                                                   \
    X(BUSY)                                                                    \
    X(LOCKED)                                                                  \
    X(NOMEM)                                                                   \
    X(READONLY)                                                                \
    X(INTERRUPT)                                                               \
    X(IOERR)                                                                   \
    X(CORRUPT)                                                                 \
    X(NOTFOUND)                                                                \
    X(FULL)                                                                    \
    X(CANTOPEN)                                                                \
    X(PROTOCOL)                                                                \
    X(EMPTY)                                                                   \
    X(SCHEMA)                                                                  \
    X(TOOBIG)                                                                  \
    X(CONSTRAINT)                                                              \
    X(MISMATCH)                                                                \
    X(MISUSE)                                                                  \
    X(NOLFS)                                                                   \
    X(AUTH)                                                                    \
    X(FORMAT)                                                                  \
    X(RANGE)                                                                   \
    X(NOTADB)

#define EXTENDED_MAP(X)                                                        \
    X(ERROR_MISSING_COLLSEQ)                                                   \
    X(ERROR_RETRY)                                                             \
    X(ERROR_SNAPSHOT)                                                          \
    X(IOERR_READ)                                                              \
    X(IOERR_SHORT_READ)                                                        \
    X(IOERR_WRITE)                                                             \
    X(IOERR_FSYNC)                                                             \
    X(IOERR_DIR_FSYNC)                                                         \
    X(IOERR_TRUNCATE)                                                          \
    X(IOERR_FSTAT)                                                             \
    X(IOERR_UNLOCK)                                                            \
    X(IOERR_RDLOCK)                                                            \
    X(IOERR_DELETE)                                                            \
    X(IOERR_BLOCKED)                                                           \
    X(IOERR_NOMEM)                                                             \
    X(IOERR_ACCESS)                                                            \
    X(IOERR_CHECKRESERVEDLOCK)                                                 \
    X(IOERR_LOCK)                                                              \
    X(IOERR_CLOSE)                                                             \
    X(IOERR_DIR_CLOSE)                                                         \
    X(IOERR_SHMOPEN)                                                           \
    X(IOERR_SHMSIZE)                                                           \
    X(IOERR_SHMLOCK)                                                           \
    X(IOERR_SHMMAP)                                                            \
    X(IOERR_SEEK)                                                              \
    X(IOERR_DELETE_NOENT)                                                      \
    X(IOERR_MMAP)                                                              \
    X(IOERR_GETTEMPPATH)                                                       \
    X(IOERR_CONVPATH)                                                          \
    X(IOERR_VNODE)                                                             \
    X(IOERR_AUTH)                                                              \
    X(IOERR_BEGIN_ATOMIC)                                                      \
    X(IOERR_COMMIT_ATOMIC)                                                     \
    X(IOERR_ROLLBACK_ATOMIC)                                                   \
    X(IOERR_DATA)                                                              \
    X(IOERR_CORRUPTFS)                                                         \
    X(LOCKED_SHAREDCACHE)                                                      \
    X(LOCKED_VTAB)                                                             \
    X(BUSY_RECOVERY)                                                           \
    X(BUSY_SNAPSHOT)                                                           \
    X(BUSY_TIMEOUT)                                                            \
    X(CANTOPEN_NOTEMPDIR)                                                      \
    X(CANTOPEN_ISDIR)                                                          \
    X(CANTOPEN_FULLPATH)                                                       \
    X(CANTOPEN_CONVPATH)                                                       \
    X(CANTOPEN_DIRTYWAL)                                                       \
    X(CANTOPEN_SYMLINK)                                                        \
    X(CORRUPT_VTAB)                                                            \
    X(CORRUPT_SEQUENCE)                                                        \
    X(CORRUPT_INDEX)                                                           \
    X(READONLY_RECOVERY)                                                       \
    X(READONLY_CANTLOCK)                                                       \
    X(READONLY_ROLLBACK)                                                       \
    X(READONLY_DBMOVED)                                                        \
    X(READONLY_CANTINIT)                                                       \
    X(READONLY_DIRECTORY)                                                      \
    X(ABORT_ROLLBACK)                                                          \
    X(CONSTRAINT_CHECK)                                                        \
    X(CONSTRAINT_COMMITHOOK)                                                   \
    X(CONSTRAINT_FOREIGNKEY)                                                   \
    X(CONSTRAINT_FUNCTION)                                                     \
    X(CONSTRAINT_NOTNULL)                                                      \
    X(CONSTRAINT_PRIMARYKEY)                                                   \
    X(CONSTRAINT_TRIGGER)                                                      \
    X(CONSTRAINT_UNIQUE)                                                       \
    X(CONSTRAINT_VTAB)                                                         \
    X(CONSTRAINT_ROWID)                                                        \
    X(CONSTRAINT_PINNED)                                                       \
    X(CONSTRAINT_DATATYPE)

#define X(name) {SQLITE_##name, "SQLITE_" #name},
static const struct {
    int code;
    const char *name;
} codes[] = {PRIMARY_MAP(X) EXTENDED_MAP(X)};
#undef X

static const char *find(int rc)
{
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (codes[i].code == rc)
            return codes[i].name;
    }
    return NULL;
}

const char *sql_code_primary(int rc)
{
    const char *name = find(rc & 0xff);

    return name == NULL ? "SQLITE_ERROR" : name;
}

const char *sql_code_name(int rc)
{
    const char *name = find(rc);

    return name == NULL ? sql_code_primary(rc) : name;
}
