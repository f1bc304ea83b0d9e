#include "store/database.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>

/* A file with a higher one is not ours to touch.
 *   1  records of one table
 *   2  the same; but they may have tenants, which a release that knows only 1 would lose: whose they are
 * Each can be read by all that come after it. */
#define SCHEMA_VERSION 2
#define SCHEMA_MARK    "PRAGMA user_version = 2;"
#define BUSY_MS        5000

/* seq is the rowid: it grows with insertion and a replacement keeps it. */
static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE records (seq INTEGER PRIMARY KEY, kind TEXT NOT NULL,"
    " key TEXT NOT NULL, data BLOB NOT NULL, UNIQUE (kind, key)) STRICT;" SCHEMA_MARK "COMMIT;";

struct sk_database {
    sqlite3 *handle;
    sqlite3_stmt *begin, *commit, *rollback, *put, *drop, *load;
    char *path;
};

static enum sk_code code_of(sqlite3 *handle)
{
    int sys = sqlite3_system_errno(handle);

    if (sys == ENOSPC || sys == EDQUOT)
        return SK_RESOURCE_EXHAUSTED;
    switch (sqlite3_errcode(handle)) {
    case SQLITE_FULL:
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG:
        return SK_RESOURCE_EXHAUSTED;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return SK_DATA_LOSS;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return SK_UNAVAILABLE;
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
        return SK_FAILED_PRECONDITION;
    default:
        return SK_INTERNAL;
    }
}

static enum sk_code fail(const struct sk_database *db, const char *doing, struct sk_err *err)
{
    return sk_fail(err, code_of(db->handle), "%s %s: %s", doing, db->path, sqlite3_errmsg(db->handle));
}

static enum sk_code run(struct sk_database *db, const char *sql, const char *doing, struct sk_err *err)
{
    return sqlite3_exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK ? SK_OK : fail(db, doing, err);
}

static void cleanup_statement(sqlite3_stmt **statement)
{
    sqlite3_finalize(*statement);
}

/* The first column of the first row of a query that always has one. */
static enum sk_code ask(struct sk_database *db, const char *sql, sqlite3_int64 *out_number,
                        struct sk_err *err)
{
    SK_CLEANUP(cleanup_statement) sqlite3_stmt *query = NULL;

    if (sqlite3_prepare_v2(db->handle, sql, -1, &query, NULL) != SQLITE_OK ||
        sqlite3_step(query) != SQLITE_ROW)
        return fail(db, "read the database", err);
    *out_number = sqlite3_column_int64(query, 0);
    return SK_OK;
}

/* Reads only. *out_version: 0 = the file has just been made. */
static enum sk_code check_version(struct sk_database *db, sqlite3_int64 *out_version, struct sk_err *err)
{
    sqlite3_int64 version = 0, tables = 0;
    enum sk_code code;

    if ((code = ask(db, "PRAGMA user_version", &version, err)) != SK_OK ||
        (code = ask(db, "SELECT count(*) FROM sqlite_schema", &tables, err)) != SK_OK)
        return code;
    if (version > SCHEMA_VERSION)
        return sk_fail(err, SK_FAILED_PRECONDITION,
                       "the database %s was written by a newer release (schema %lld, this one knows %d)",
                       db->path, (long long)version, SCHEMA_VERSION);
    if (version < 0 || (version == 0 && tables > 0))
        return sk_fail(err, SK_FAILED_PRECONDITION, "the database %s is not one of ours", db->path);
    *out_version = version;
    return SK_OK;
}

static enum sk_code check_pages(struct sk_database *db, struct sk_err *err)
{
    SK_CLEANUP(cleanup_statement) sqlite3_stmt *query = NULL;
    const char *answer;

    if (sqlite3_prepare_v2(db->handle, "PRAGMA quick_check(1)", -1, &query, NULL) != SQLITE_OK ||
        sqlite3_step(query) != SQLITE_ROW)
        return fail(db, "check the database", err);
    answer = (const char *)sqlite3_column_text(query, 0);
    if (answer && !strcmp(answer, "ok"))
        return SK_OK;
    return sk_fail(err, SK_DATA_LOSS, "the database %s is damaged: %s", db->path,
                   answer ? answer : "no answer");
}

static enum sk_code prepare(struct sk_database *db, struct sk_err *err)
{
    const struct {
        sqlite3_stmt **statement;
        const char *sql;
    } all[] = {
        {&db->begin, "BEGIN IMMEDIATE"},
        {&db->commit, "COMMIT"},
        {&db->rollback, "ROLLBACK"},
        {&db->put, "INSERT INTO records (kind, key, data) VALUES (?1, ?2, ?3)"
                   " ON CONFLICT (kind, key) DO UPDATE SET data = excluded.data"},
        {&db->drop, "DELETE FROM records WHERE kind = ?1 AND key = ?2"},
        {&db->load, "SELECT key, data FROM records WHERE kind = ?1 ORDER BY seq"},
    };
    for (size_t i = 0; i < sk_array_len(all); i++)
        if (sqlite3_prepare_v3(db->handle, all[i].sql, -1, SQLITE_PREPARE_PERSISTENT, all[i].statement,
                               NULL) != SQLITE_OK)
            return fail(db, "use the database", err);
    return SK_OK;
}

/* Until the version is known, nothing is written, a checkpoint at close included. */
static enum sk_code set_up(struct sk_database *db, struct sk_err *err)
{
    sqlite3_int64 version = 0;
    enum sk_code code;

    (void)sqlite3_busy_timeout(db->handle, BUSY_MS);
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    if ((code = check_version(db, &version, err)) != SK_OK || (code = check_pages(db, err)) != SK_OK)
        return code;
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    code = run(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL", "set up the database", err);
    if (code == SK_OK && version == 0)
        code = run(db, schema, "set up the database", err);
    else if (code == SK_OK && version < SCHEMA_VERSION)
        code = run(db, SCHEMA_MARK, "set up the database", err);
    return code == SK_OK ? prepare(db, err) : code;
}

static void cleanup_database(struct sk_database **db)
{
    sk_database_close(*db);
}

enum sk_code sk_database_open(const char *path, struct sk_database **out_db, struct sk_err *err)
{
    SK_CLEANUP(cleanup_database) struct sk_database *db = sk_alloc(sizeof(*db));
    enum sk_code code;

    db->path = sk_strdup(path);
    if (sqlite3_open_v2(path, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX,
                        NULL) != SQLITE_OK)
        return fail(db, "open the database", err);
    code = set_up(db, err);
    if (code == SK_OK)
        *out_db = sk_take(db);
    return code;
}

void sk_database_close(struct sk_database *db)
{
    if (!db)
        return;
    sqlite3_finalize(db->begin);
    sqlite3_finalize(db->commit);
    sqlite3_finalize(db->rollback);
    sqlite3_finalize(db->put);
    sqlite3_finalize(db->drop);
    sqlite3_finalize(db->load);
    (void)sqlite3_close(db->handle);
    free(db->path);
    free(db);
}

enum sk_code sk_database_load(struct sk_database *db, const char *kind,
                              void (*each)(void *arg, const char *key, const uint8_t *data, size_t len),
                              void *arg, struct sk_err *err)
{
    enum sk_code code = SK_OK;
    int step;

    (void)sqlite3_bind_text(db->load, 1, kind, -1, SQLITE_STATIC);
    while ((step = sqlite3_step(db->load)) == SQLITE_ROW) {
        const char *key = (const char *)sqlite3_column_text(db->load, 0);
        const uint8_t *data = sqlite3_column_blob(db->load, 1);
        each(arg, key, data ? data : (const uint8_t *)"", (size_t)sqlite3_column_bytes(db->load, 1));
    }
    if (step != SQLITE_DONE)
        code = fail(db, "read the database", err);
    (void)sqlite3_reset(db->load);
    return code;
}

/* Steps a statement that gives no rows, and makes it ready for the next time. */
static bool step_once(sqlite3_stmt *statement)
{
    bool well = sqlite3_step(statement) == SQLITE_DONE;
    return sqlite3_reset(statement) == SQLITE_OK && well;
}

static bool write_one(struct sk_database *db, const struct sk_write *write)
{
    sqlite3_stmt *statement = write->data ? db->put : db->drop;

    return sqlite3_bind_text(statement, 1, write->kind, -1, SQLITE_STATIC) == SQLITE_OK &&
           sqlite3_bind_text(statement, 2, write->key, -1, SQLITE_STATIC) == SQLITE_OK &&
           (!write->data ||
            sqlite3_bind_blob64(statement, 3, write->data, write->len, SQLITE_STATIC) == SQLITE_OK) &&
           step_once(statement);
}

static bool write_all(struct sk_database *db, const struct sk_write *first, const struct sk_write *end)
{
    if (!step_once(db->begin))
        return false;
    for (const struct sk_write *write = first; write != end; write = write->next)
        if (!write_one(db, write))
            return false;
    return step_once(db->commit);
}

enum sk_code sk_database_apply(struct sk_database *db, const struct sk_write *first,
                               const struct sk_write *end, struct sk_err *err)
{
    enum sk_code code = SK_OK;

    if (!write_all(db, first, end)) {
        code = fail(db, "write to the database", err);
        if (!sqlite3_get_autocommit(db->handle))
            (void)step_once(db->rollback);
    }
    (void)sqlite3_clear_bindings(db->put); /* they point into the writes */
    (void)sqlite3_clear_bindings(db->drop);
    return code;
}
