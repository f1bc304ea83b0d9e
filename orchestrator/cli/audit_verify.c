/* Reads the audit's files themselves: no daemon is asked, and none is needed. */
#include "audit/verify.h"
#include "cli/audits.h"
#include "cli/fault.h"
#include "cli/verbs.h"

#include <inttypes.h>
#include <stdio.h>

#define EXIT_INCOMPLETE 3

static void print_numbers(const struct sk_audit_report *report)
{
    (void)printf("%" PRIu64 " lines (%" PRIu64 " to %" PRIu64 ") in %zu file%s\n", report->lines,
                 report->first, report->last, report->files, report->files == 1 ? "" : "s");
    if (report->removed > 0)
        (void)printf("the audit tells of %" PRIu64 " older file%s that it removed\n", report->removed,
                     report->removed == 1 ? "" : "s");
    if (report->torn > 0)
        (void)printf("%" PRIu64 " time%s the daemon was killed within a line (set aside as torn-…)\n",
                     report->torn, report->torn == 1 ? "" : "s");
    if (report->is_open_ended)
        (void)printf("the newest file ends within a line: it is being written, or was when all stopped\n");
}

static int print_verdict(const struct sk_audit_report *report)
{
    if (report->broken && report->line > 0)
        (void)printf("BROKEN at %s, line %" PRIu64 ": %s\n", report->file, report->line, report->what);
    else if (report->broken)
        (void)printf("BROKEN at %s: %s\n", report->file[0] ? report->file : "the folder", report->what);
    if (report->broken)
        return 1;
    if (report->lost > 0)
        (void)printf("INCOMPLETE: %" PRIu64 " events could not be written, as the audit itself tells\n",
                     report->lost);
    if (report->missing > 0)
        (void)printf("INCOMPLETE: %" PRIu64 " time%s lines were missing at the end when the daemon started\n",
                     report->missing, report->missing == 1 ? "" : "s");
    if (report->lost > 0 || report->missing > 0)
        return EXIT_INCOMPLETE;
    (void)puts("whole: no line was changed, taken out, put in or moved");
    return 0;
}

static int run_verify(const struct sk_args *args)
{
    struct sk_audit_report report;
    struct sk_err err;

    if (sk_audit_verify(sk_audits_folder(args), &report, &err)) {
        sk_fault_print_err(&err);
        return 1;
    }
    print_numbers(&report);
    return print_verdict(&report);
}

static const struct sk_option options[] = {
    SK_OPTION_AUDIT_FOLDER,
    SK_OPTION_HELP,
    {0},
};

const struct sk_verb sk_verb_audit_verify = {
    .name = "audit verify",
    .synopsis = "[OPTION]...",
    .summary = "Check that nobody changed the audit log.",
    .notes = "Reads the files themselves. Exit codes: 0 whole; 1 broken, the first place is told; 3 not\n"
             "broken, but the log itself tells that something is missing. Who may write the files can\n"
             "write all of them anew, head and all: keep the last line's hash elsewhere to rule it out.\n",
    .options = options,
    .run = run_verify,
};
