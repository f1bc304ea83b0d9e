/* The store on a real disk and a real loop: what was answered is there,
 * whatever happens next. */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#define KIND "sandbox"

struct fixture {
    char dir[64];
    char path[96];
    struct sk_loop *loop;
    struct sk_store *store;
    int waiting;
};

/* One awaited answer. */
struct answer {
    struct sk_done done;
    struct fixture *fixture;
    bool fired;
    struct sk_err err;
    int order; /* of the answer among all */
};

static void on_answer(struct sk_done *done, const struct sk_err *err)
{
    struct answer *answer = sk_container_of(done, struct answer, done);
    static const struct sk_err well;

    answer->fired = true;
    answer->err = err ? *err : well;
    answer->order = answer->fixture->waiting--;
    if (!answer->fixture->waiting)
        sk_loop_stop(answer->fixture->loop);
}

static struct sk_done *expect(struct fixture *f, struct answer *answer)
{
    *answer = (struct answer){.fixture = f};
    sk_done_init(&answer->done, on_answer);
    f->waiting++;
    return &answer->done;
}

static enum sk_code open_store(struct fixture *f, struct sk_err *err)
{
    return sk_store_open(f->loop, NULL, f->path, &f->store, err);
}

static void close_store(struct fixture *f)
{
    struct answer closed;

    if (!f->store)
        return;
    sk_store_close(sk_take(f->store), expect(f, &closed));
    sk_loop_run(f->loop);
}

static int set_up(void **state)
{
    struct fixture *f = sk_alloc(sizeof(*f));

    (void)snprintf(f->dir, sizeof(f->dir), "/tmp/sk-store.XXXXXX");
    if (!mkdtemp(f->dir) || sk_loop_new(&f->loop, NULL) != SK_OK)
        return -1;
    (void)snprintf(f->path, sizeof(f->path), "%s/sandkeep.db", f->dir);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char name[128];
    static const char *const suffixes[] = {"", "-wal", "-shm"};

    close_store(f);
    sk_loop_free(f->loop);
    for (size_t i = 0; i < sk_array_len(suffixes); i++) {
        (void)snprintf(name, sizeof(name), "%s%s", f->path, suffixes[i]);
        (void)unlink(name);
    }
    if (rmdir(f->dir))
        return -1;
    free(f);
    return 0;
}

/* Everything of KIND as "key=data;key=data;". */
struct dump {
    char text[4096];
    size_t len;
    int count;
};

static void dump_one(void *arg, const char *key, const uint8_t *data, size_t len)
{
    struct dump *dump = arg;

    dump->count++;
    if (dump->len < sizeof(dump->text) - 64)
        dump->len += (size_t)snprintf(dump->text + dump->len, 64, "%s=%.*s;", key, (int)(len < 20 ? len : 20),
                                      (const char *)data);
}

static struct dump dump_all(struct fixture *f)
{
    struct dump dump = {.len = 0};

    assert_int_equal(sk_store_load(f->store, KIND, dump_one, &dump, NULL), SK_OK);
    return dump;
}

static void keeps_order_and_content(void **state)
{
    struct fixture *f = *state;
    struct answer answers[7];

    assert_int_equal(open_store(f, NULL), SK_OK);
    sk_store_put(f->store, KIND, "b", "1", 1, expect(f, &answers[0]));
    sk_store_put(f->store, KIND, "a", "2", 1, expect(f, &answers[1]));
    sk_store_put(f->store, "other", "b", "9", 1, NULL);
    sk_store_put(f->store, KIND, "c", "3", 1, expect(f, &answers[2]));
    sk_store_put(f->store, KIND, "b", "4", 1, expect(f, &answers[3]));
    sk_store_delete(f->store, KIND, "c", expect(f, &answers[4]));
    sk_store_delete(f->store, KIND, "never there", expect(f, &answers[5]));
    sk_store_put(f->store, KIND, "empty", NULL, 0, expect(f, &answers[6]));
    for (size_t i = 0; i < sk_array_len(answers); i++)
        assert_false(answers[i].fired); /* never inside the call */
    sk_loop_run(f->loop);
    for (size_t i = 0; i < sk_array_len(answers); i++) {
        assert_int_equal(answers[i].err.code, SK_OK);
        assert_int_equal(answers[i].order, sk_array_len(answers) - i); /* in the order given */
    }
    assert_string_equal(dump_all(f).text, "b=4;a=2;empty=;");
    close_store(f);
    assert_int_equal(open_store(f, NULL), SK_OK);
    assert_string_equal(dump_all(f).text, "b=4;a=2;empty=;");
}

static void close_commits_what_waits(void **state)
{
    struct fixture *f = *state;
    char key[16];

    assert_int_equal(open_store(f, NULL), SK_OK);
    for (int i = 0; i < 200; i++) {
        (void)snprintf(key, sizeof(key), "k%d", i);
        sk_store_put(f->store, KIND, key, "x", 1, NULL);
    }
    close_store(f);
    assert_int_equal(open_store(f, NULL), SK_OK);
    assert_int_equal(dump_all(f).count, 200);
}

/* Transactions in the write-ahead log: frames that carry a size mark (sqlite.org/fileformat.html, 4.1). */
static int count_commits(const struct fixture *f)
{
    char name[128];
    uint8_t header[32], frame[24];
    int commits = 0;
    FILE *wal;

    (void)snprintf(name, sizeof(name), "%s-wal", f->path);
    wal = fopen(name, "rb");
    if (!wal || fread(header, sizeof(header), 1, wal) != 1)
        fail_msg("no write-ahead log");
    while (fread(frame, sizeof(frame), 1, wal) == 1) {
        commits += (frame[4] | frame[5] | frame[6] | frame[7]) != 0;
        (void)fseek(wal, header[8] << 24 | header[9] << 16 | header[10] << 8 | header[11], SEEK_CUR);
    }
    (void)fclose(wal);
    return commits;
}

static void commits_in_groups(void **state)
{
    struct fixture *f = *state;
    static struct answer answers[400];
    char key[16];
    int before, commits;

    assert_int_equal(open_store(f, NULL), SK_OK);
    before = count_commits(f);
    for (size_t i = 0; i < sk_array_len(answers); i++) {
        (void)snprintf(key, sizeof(key), "k%zu", i);
        sk_store_put(f->store, KIND, key, "x", 1, expect(f, &answers[i]));
    }
    sk_loop_run(f->loop);
    commits = count_commits(f) - before;
    assert_true(commits >= 1);
    assert_true(commits <= 200); /* one each would be 400; a few is usual */
    assert_int_equal(dump_all(f).count, sk_array_len(answers));
}

/* --- killed in mid-stream ------------------------------------------------------ */

struct stream {
    struct fixture *fixture;
    struct sk_done done;
    int number, fd;
};

static void send_number(struct stream *stream);

/* Tells the parent only what has been answered, then goes on. */
static void on_stream_answer(struct sk_done *done, const struct sk_err *err)
{
    struct stream *stream = sk_container_of(done, struct stream, done);

    if (err || write(stream->fd, &stream->number, sizeof(stream->number)) != sizeof(stream->number))
        _exit(3);
    stream->number += 8;
    send_number(stream);
}

static void send_number(struct stream *stream)
{
    char key[16];
    int len = snprintf(key, sizeof(key), "%d", stream->number);

    sk_done_init(&stream->done, on_stream_answer);
    sk_store_put(stream->fixture->store, KIND, key, key, (size_t)len, &stream->done);
}

static void run_stream_child(struct fixture *f, int fd)
{
    struct stream streams[8];

    if (open_store(f, NULL) != SK_OK)
        _exit(2);
    for (int i = 0; i < 8; i++) {
        streams[i] = (struct stream){.fixture = f, .number = i, .fd = fd};
        send_number(&streams[i]);
    }
    sk_loop_run(f->loop);
    _exit(4);
}

static void tick_off(void *arg, const char *key, const uint8_t *data, size_t len)
{
    bool *seen = arg;
    int number = atoi(key);

    if (number >= 0 && number < 100000 && strlen(key) == len && !memcmp(key, data, len))
        seen[number] = true;
}

static void what_was_answered_survives_kill(void **state)
{
    struct fixture *f = *state;
    static bool seen[100000];
    static int answered[100000];
    int ends[2], status, count = 0;
    pid_t child;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    sk_loop_free(sk_take(f->loop));
    child = fork();
    assert_true(child >= 0);
    if (!child) {
        if (sk_loop_new(&f->loop, NULL) != SK_OK)
            _exit(1);
        run_stream_child(f, ends[1]);
    }
    (void)close(ends[1]);
    while (count < 99000 && read(ends[0], &answered[count], sizeof(int)) == sizeof(int))
        if (++count == 300)
            assert_int_equal(kill(child, SIGKILL), 0);
    (void)close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_true(count >= 300);

    assert_int_equal(sk_loop_new(&f->loop, NULL), SK_OK);
    assert_int_equal(open_store(f, NULL), SK_OK);
    assert_int_equal(sk_store_load(f->store, KIND, tick_off, seen, NULL), SK_OK);
    for (int i = 0; i < count; i++)
        if (!seen[answered[i]])
            fail_msg("write %d was answered and is gone", answered[i]);
}

/* --- a full disk ------------------------------------------------------------------ */

#define BIG (600 * 1024)

/* 0, or the line that went wrong; runs in a child, in a mount namespace of its own. */
static int fill_the_disk(struct fixture *f)
{
    static uint8_t big[BIG];
    struct answer a, b, c, d;
    struct dump dump;

    if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("tmpfs", f->dir, "tmpfs", 0, "size=512k"))
        return 77;
    if (sk_loop_new(&f->loop, NULL) != SK_OK || open_store(f, NULL) != SK_OK)
        return 1;
    sk_store_put(f->store, KIND, "a", "1", 1, expect(f, &a));
    sk_store_put(f->store, KIND, "b", big, sizeof(big), expect(f, &b));
    sk_store_put(f->store, KIND, "c", "3", 1, expect(f, &c));
    sk_loop_run(f->loop);
    if (a.err.code != SK_OK || c.err.code != SK_OK)
        return 2; /* one that does not fit must not fail its neighbours */
    if (b.err.code != SK_RESOURCE_EXHAUSTED || !strstr(b.err.text, f->path))
        return 3;
    if (mount("tmpfs", f->dir, "tmpfs", MS_REMOUNT, "size=8m"))
        return 4;
    sk_store_put(f->store, KIND, "d", big, sizeof(big), expect(f, &d));
    sk_loop_run(f->loop);
    if (d.err.code != SK_OK)
        return 5; /* room again: it goes on */
    close_store(f);
    if (open_store(f, NULL) != SK_OK)
        return 6;
    dump = dump_all(f);
    close_store(f);
    return strncmp(dump.text, "a=1;c=3;d=", 10) || dump.count != 3 ? 7 : 0;
}

static void a_full_disk_fails_what_does_not_fit(void **state)
{
    struct fixture *f = *state;
    int status;
    pid_t child = fork();

    assert_true(child >= 0);
    if (!child)
        _exit(fill_the_disk(f));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) {
        print_message("skipped: needs the right to mount a tmpfs\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* --- files we must not touch ---------------------------------------------------------- */

static void execute(const char *path, const char *sql)
{
    sqlite3 *handle = NULL;

    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
}

static size_t read_file(const char *path, uint8_t *bytes, size_t size)
{
    FILE *file = fopen(path, "rb");
    size_t len = file ? fread(bytes, 1, size, file) : 0;

    assert_non_null(file);
    (void)fclose(file);
    return len;
}

static void refuses_untouched(struct fixture *f, enum sk_code code, const char *because)
{
    static uint8_t before[1 << 20], after[1 << 20];
    size_t len = read_file(f->path, before, sizeof(before));
    struct sk_err err = {0};

    assert_int_equal(open_store(f, &err), code);
    assert_null(f->store);
    if (!strstr(err.text, because) || !strstr(err.text, f->path))
        fail_msg("\"%s\" should name the file and say \"%s\"", err.text, because);
    assert_int_equal(read_file(f->path, after, sizeof(after)), len);
    assert_memory_equal(before, after, len);
}

static int64_t version_of(const char *path)
{
    sqlite3 *handle = NULL;
    sqlite3_stmt *query = NULL;

    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(handle, "PRAGMA user_version", -1, &query, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(query), SQLITE_ROW);
    int64_t version = sqlite3_column_int64(query, 0);
    assert_int_equal(sqlite3_finalize(query), SQLITE_OK);
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
    return version;
}

/* An older file is taken over, and then no longer one for an older release. */
static void raises_an_older_schema(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(open_store(f, NULL), SK_OK);
    sk_store_put(f->store, KIND, "a", "1", 1, NULL);
    close_store(f);
    assert_int_equal(version_of(f->path), 2);
    execute(f->path, "PRAGMA user_version = 1");
    assert_int_equal(open_store(f, NULL), SK_OK);
    assert_string_equal(dump_all(f).text, "a=1;");
    close_store(f);
    assert_int_equal(version_of(f->path), 2);
}

static void refuses_a_newer_schema(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(open_store(f, NULL), SK_OK);
    sk_store_put(f->store, KIND, "a", "1", 1, NULL);
    close_store(f);
    execute(f->path, "PRAGMA user_version = 99");
    refuses_untouched(f, SK_FAILED_PRECONDITION, "newer release");
}

static void refuses_a_foreign_database(void **state)
{
    struct fixture *f = *state;

    execute(f->path, "CREATE TABLE recipes (name TEXT)");
    refuses_untouched(f, SK_FAILED_PRECONDITION, "not one of ours");
}

static void refuses_what_is_no_database(void **state)
{
    struct fixture *f = *state;
    FILE *file = fopen(f->path, "wb");

    assert_non_null(file);
    for (int i = 0; i < 1000; i++)
        (void)fputs("no database at all\n", file);
    (void)fclose(file);
    refuses_untouched(f, SK_DATA_LOSS, "not a database");
}

static void refuses_a_damaged_database(void **state)
{
    struct fixture *f = *state;
    char key[16];
    FILE *file;

    assert_int_equal(open_store(f, NULL), SK_OK);
    for (int i = 0; i < 500; i++) {
        (void)snprintf(key, sizeof(key), "k%d", i);
        sk_store_put(f->store, KIND, key, "some bytes that take room", 25, NULL);
    }
    close_store(f);
    file = fopen(f->path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, 4096, SEEK_SET), 0); /* the table's root page */
    for (int i = 0; i < 4096; i++)
        (void)fputc(0xa5, file);
    (void)fclose(file);
    refuses_untouched(f, SK_DATA_LOSS, "");
}

static void says_which_folder_is_missing(void **state)
{
    struct fixture *f = *state;
    struct sk_store *store = NULL;
    struct sk_err err = {0};

    assert_int_equal(sk_store_open(f->loop, NULL, "/nonexistent/sandkeep.db", &store, &err),
                     SK_FAILED_PRECONDITION);
    assert_non_null(strstr(err.text, "/nonexistent/sandkeep.db"));
    assert_null(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keeps_order_and_content, set_up, tear_down),
        cmocka_unit_test_setup_teardown(close_commits_what_waits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(commits_in_groups, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_answered_survives_kill, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_disk_fails_what_does_not_fit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(raises_an_older_schema, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_a_newer_schema, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_a_foreign_database, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_what_is_no_database, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_a_damaged_database, set_up, tear_down),
        cmocka_unit_test_setup_teardown(says_which_folder_is_missing, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
