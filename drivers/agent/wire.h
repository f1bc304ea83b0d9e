/* wire.h: the frames between the daemon and the guest, PID 1 of a sandbox.
 *
 * Pure: bytes in, struct out, and back. Both ends are built from this file;
 * it needs nothing but libc, because the guest links nothing else.
 *
 * Transport: a unix SOCK_SEQPACKET connection, one frame a packet. The guest
 * connects, the daemon listens. Every frame begins with the same 28 bytes;
 * integers are little-endian:
 *
 *   offset size
 *        0    4  magic "SKG1"; the digit is the version of the protocol
 *        4    2  type
 *        6    2  flags, meaning by type; unknown bits are an error
 *        8    8  key of the process, chosen by the daemon; 0 in HELLO and READY only
 *       16    4  word 0, meaning by type
 *       20    4  word 1, meaning by type; unused words are 0
 *       24    4  length of the text; 0 in all frames but START and OPEN
 *       28       the text, if it is inline
 *
 * Daemon to guest, at any time after READY:
 *
 *   START    starts a process. Word 0: number of arguments (at least 1),
 *            word 1: number of environment entries. The text is a row of
 *            NUL-terminated strings: user, working directory, arguments,
 *            environment. Flags: MAIN, FD_* for each descriptor that comes
 *            along, in the order of the bits: the process's stdin, stdout,
 *            stderr (one that is absent becomes /dev/null), two read ends
 *            that the guest keeps until RELEASE, and last, with FD_TEXT, a
 *            memfd that holds the text, which then is not inline. With
 *            TERMINAL, FD_STDIN is the one descriptor of the three: a
 *            terminal that becomes the controlling one of a new session and
 *            all of stdin, stdout and stderr; nothing is kept then.
 *            Answered by STARTED, in the order of the STARTs.
 *   SIGNAL   word 0: signal number. Flag TREE: the session and every
 *            descendant that can be found, also when the process itself has
 *            ended. Not answered; an unknown key is ignored.
 *   RELEASE  forgets an ended process and closes what was kept for it. Not
 *            answered; a key that is unknown or still runs is ignored.
 *   OPEN     opens one file. Word 0: enum sk_open_kind. The text, always
 *            inline, is three NUL-terminated strings: user, working
 *            directory, path; all empty for SK_OPEN_TERMINALS. The file is
 *            opened with that user's rights. Answered by OPENED; keys of
 *            OPEN are a row of their own, apart from those of START.
 *   COMMIT   what was written to the file of an OPEN for writing takes the
 *            place of the path, all at once. Answered by COMMITTED.
 *   ABANDON  ends an OPEN for writing without a trace. Not answered; an
 *            unknown key is ignored. The guest does the same for all of them
 *            when the connection is lost.
 *
 * Guest to daemon:
 *
 *   HELLO    first frame of every connection. Word 0: feature bits; unknown ones are ignored.
 *   FOUND    after HELLO, before READY: a process of an earlier connection
 *            that was not released. Flags: MAIN; FD_KEEP_STDOUT and
 *            FD_KEEP_STDERR with the kept read ends, in that order. If it
 *            has ended, EXITED follows after READY.
 *   READY    once, after HELLO and the FOUNDs: commands are taken now.
 *   STARTED  answers START. Word 0: errno (0 = it runs), word 1: enum
 *            sk_stage, where it failed (0 if it runs). A process that could
 *            not be started is forgotten at once.
 *   EXITED   a process ended. Word 0: 0-255, 128+N for signal N. Once a
 *            connection, never before STARTED or FOUND of that key.
 *   OPENED   answers OPEN, in any order. Word 0: errno (ESRCH: no such
 *            user), or 0 and FD_FILE: the file, for reading or for writing,
 *            without O_APPEND, O_DIRECT or O_SYNC; or the directory of the
 *            sandbox's terminals, a devpts, opened with O_PATH.
 *   COMMITTED  answers COMMIT. Word 0: errno.
 *
 * Either end drops the connection on anything else. The guest then connects
 * again, for ever; the processes live on. */
#ifndef SK_AGENT_WIRE_H
#define SK_AGENT_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SK_WIRE_HEADER    28
#define SK_WIRE_FRAME_MAX ((size_t)64 * 1024)
#define SK_WIRE_TEXT_MAX  ((size_t)2 * 1024 * 1024) /* user, directory, arguments, environment together */
#define SK_WIRE_KEYS_MAX  4096                      /* processes known at a time */
#define SK_WIRE_FDS_MAX   6
#define SK_WIRE_OPENS_MAX 128  /* OPENs for writing that are neither committed nor abandoned */
#define SK_WIRE_PATH_MAX  4096 /* bytes of a path, with its NUL */

enum sk_frame_type {
    SK_FRAME_START = 1,
    SK_FRAME_SIGNAL = 2,
    SK_FRAME_RELEASE = 3,
    SK_FRAME_OPEN = 4,
    SK_FRAME_COMMIT = 5,
    SK_FRAME_ABANDON = 6,
    SK_FRAME_HELLO = 16,
    SK_FRAME_FOUND = 17,
    SK_FRAME_READY = 18,
    SK_FRAME_STARTED = 19,
    SK_FRAME_EXITED = 20,
    SK_FRAME_OPENED = 21,
    SK_FRAME_COMMITTED = 22,
};

enum sk_frame_flag {
    SK_FRAME_FD_STDIN = 1 << 0,
    SK_FRAME_FD_STDOUT = 1 << 1,
    SK_FRAME_FD_STDERR = 1 << 2,
    SK_FRAME_FD_KEEP_STDOUT = 1 << 3,
    SK_FRAME_FD_KEEP_STDERR = 1 << 4,
    SK_FRAME_FD_TEXT = 1 << 5,
    SK_FRAME_FD_ALL = (1 << 6) - 1,
    SK_FRAME_MAIN = 1 << 8,
    SK_FRAME_TREE = 1 << 9,
    SK_FRAME_TERMINAL = 1 << 10,
    SK_FRAME_FD_FILE = 1 << 11,
};

/* Where a start failed. Numbers are on the wire. */
enum sk_stage {
    SK_STAGE_NONE = 0,
    SK_STAGE_REQUEST = 1,     /* too many processes, no memory, descriptors lost, text malformed */
    SK_STAGE_USER = 2,        /* no such user or group */
    SK_STAGE_SPAWN = 3,       /* no process to be had */
    SK_STAGE_STDIO = 4,       /* descriptors */
    SK_STAGE_CREDENTIALS = 5, /* becoming the user */
    SK_STAGE_DIRECTORY = 6,   /* working directory */
    SK_STAGE_EXEC = 7,        /* the program */
    SK_STAGE_LAST = SK_STAGE_EXEC,
};

/* What OPEN is for. Numbers are on the wire. */
enum sk_open_kind {
    /* An existing regular file; one that is not on an ordinary file system (filesystem.h: proc and the like)
     * comes as a copy in a memfd sealed with F_SEAL_WRITE and F_SEAL_SHRINK. */
    SK_OPEN_READ = 1,
    SK_OPEN_WRITE = 2,     /* a file that will take the path's place on COMMIT; missing parents are made */
    SK_OPEN_TERMINALS = 3, /* the sandbox's devpts */
    SK_OPEN_LAST = SK_OPEN_TERMINALS,
};

enum sk_frame_sender { SK_FRAME_FROM_DAEMON, SK_FRAME_FROM_GUEST };

struct sk_frame {
    enum sk_frame_type type;
    unsigned flags;
    uint64_t key;
    union {
        struct {
            uint32_t argc, envc;
            uint32_t text_len;
            const uint8_t *text; /* borrowed from the packet; NULL with FD_TEXT */
        } start;
        struct {
            uint32_t signo;
        } signal;
        struct {
            uint32_t features;
        } hello;
        struct {
            uint32_t sys;
            enum sk_stage stage;
        } started;
        struct {
            uint32_t status;
        } exited;
        struct {
            enum sk_open_kind kind;
            uint32_t text_len;
            const uint8_t *text; /* borrowed from the packet */
        } open;
        struct {
            uint32_t sys;
        } opened;
        struct {
            uint32_t sys;
        } committed;
    };
};

/* Writes the frame without its text: SK_WIRE_HEADER bytes. The frame must be
 * one that decodes (programmer errors assert). */
void sk_frame_encode(const struct sk_frame *frame, uint8_t out[static SK_WIRE_HEADER]);
/* One whole packet. False, and *out_frame untouched, when it is not a frame
 * that `sender` may send, to the last bit. */
bool sk_frame_decode(enum sk_frame_sender sender, const uint8_t *data, size_t len,
                     struct sk_frame *out_frame);
/* Number of descriptors that come with it. */
size_t sk_frame_fd_count(const struct sk_frame *frame);

/* The text of a START, cut into its strings; all borrowed from the text. */
struct sk_start_text {
    char *user;
    char *working_dir;
    char **argv; /* argc strings and NULL */
    char **env;  /* envc strings and NULL */
};

/* Pointers sk_start_text_split needs room for: argc + envc + 2 NULLs, and one
 * more that a caller may use to add an environment entry. */
#define SK_START_TEXT_SLOTS(argc, envc) ((size_t)(argc) + (envc) + 3)

/* False when `text` is not exactly 2 + argc + envc strings or argv[0] is empty. */
bool sk_start_text_split(char *text, size_t len, uint32_t argc, uint32_t envc, char **slots,
                         struct sk_start_text *out_text);

/* The text of an OPEN; all borrowed from the text. */
struct sk_open_text {
    const char *user, *working_dir, *path;
};

/* False when `text` is not exactly three strings, or the last is longer than SK_WIRE_PATH_MAX. */
bool sk_open_text_split(const char *text, size_t len, struct sk_open_text *out_text);

#endif
