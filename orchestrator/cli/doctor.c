/* doctor.c: `sandkeep doctor`: whether this host is fit for sandboxes, and what to do where it is not.
 *
 * Exit codes: 0 all is well; 1 warnings; 2 something does not work. */
#include "cli/client.h"
#include "cli/json_put.h"
#include "cli/output.h"
#include "cli/target.h"
#include "cli/verbs.h"
#include "doctor/host.h"

#include "grpc/health/v1/health.pb-c.h"

#include <stdio.h>
#include <string.h>

/* --- the daemon -------------------------------------------------------------------- */

static enum sk_code ask_health(struct sk_client *client, bool *out_serves, struct sk_fault *fault)
{
    Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    struct sk_arena arena = {0};
    ProtobufCMessage *message = NULL;
    enum sk_code code = sk_client_call(client, "/grpc.health.v1.Health/Check", &request.base,
                                       &grpc__health__v1__health_check_response__descriptor, SK_ABANDON,
                                       &arena, &message, fault);

    *out_serves =
        code == SK_OK && ((const Grpc__Health__V1__HealthCheckResponse *)(const void *)message)->status ==
                             GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING;
    sk_arena_fini(&arena);
    return code;
}

static void look_at_daemon(const struct sk_args *args, struct sk_findings *findings)
{
    struct sk_client client;
    struct sk_fault fault = {0};
    bool serves = false;
    enum sk_code code = sk_client_open(&client, args->address, &fault.err);

    if (code == SK_OK) {
        code = ask_health(&client, &serves, &fault);
        sk_client_close(&client);
    }
    if (code != SK_OK)
        sk_finding_add(
            findings, SK_VERDICT_WARNING, "daemon", "answers",
            "systemctl start sandkeepd, unless it is still to be installed; --address if it is elsewhere",
            "no: %.300s", fault.err.text);
    else if (!serves)
        sk_finding_add(findings, SK_VERDICT_FAILURE, "daemon", "serves", "sandkeep status says why",
                       "it answers, and does not serve");
    else
        sk_finding_add(findings, SK_VERDICT_OK, "daemon", "serves", NULL, "yes");
}

/* --- what is told -------------------------------------------------------------------- */

static void put_finding(yajl_gen gen, const struct sk_finding *finding)
{
    (void)yajl_gen_map_open(gen);
    sk_json_put_key_text(gen, "family", finding->family);
    sk_json_put_key_text(gen, "name", finding->name);
    sk_json_put_key_text(gen, "verdict", sk_verdict_word(finding->verdict));
    sk_json_put_key_text(gen, "text", finding->text);
    sk_json_put_key_text(gen, "advice", finding->advice);
    (void)yajl_gen_map_close(gen);
}

static void put_findings(yajl_gen gen, const void *what)
{
    const struct sk_findings *findings = what;

    (void)yajl_gen_map_open(gen);
    sk_json_put_key_text(gen, "worst", sk_verdict_word(sk_findings_worst(findings)));
    sk_json_put_text(gen, "findings");
    (void)yajl_gen_array_open(gen);
    for (size_t i = 0; i < findings->count; i++)
        put_finding(gen, &findings->items[i]);
    (void)yajl_gen_array_close(gen);
    (void)yajl_gen_map_close(gen);
}

/* Programs' words are shown, and must not drive the terminal. */
static const char *clean(char *text)
{
    for (char *c = text; *c; c++) {
        if ((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7f)
            *c = '?';
    }
    return text;
}

static enum sk_code print_finding(const struct sk_finding *finding, struct sk_buf *out)
{
    SK_AUTO_FREE char *text = sk_strdup(finding->text);
    enum sk_code code = sk_buf_printf(out, "%-8s %-13s %-17s %s\n", sk_verdict_word(finding->verdict),
                                      finding->family, finding->name, clean(text));

    if (code == SK_OK && finding->advice && finding->verdict > SK_VERDICT_OK)
        code = sk_buf_printf(out, "%-8s %-13s %-17s -> %s\n", "", "", "", finding->advice);
    return code;
}

static enum sk_code print_all(const struct sk_findings *findings, struct sk_buf *out)
{
    size_t counts[SK_VERDICT_FAILURE + 1] = {0};
    enum sk_code code = SK_OK;

    for (size_t i = 0; i < findings->count && code == SK_OK; i++) {
        counts[findings->items[i].verdict]++;
        code = print_finding(&findings->items[i], out);
    }
    if (code == SK_OK)
        code = sk_buf_printf(out, "\n%zu ok, %zu notes, %zu warnings, %zu failures\n", counts[SK_VERDICT_OK],
                             counts[SK_VERDICT_NOTE], counts[SK_VERDICT_WARNING], counts[SK_VERDICT_FAILURE]);
    return code;
}

static int exit_code_of(const struct sk_findings *findings)
{
    enum sk_verdict worst = sk_findings_worst(findings);

    return worst == SK_VERDICT_FAILURE ? 2 : worst == SK_VERDICT_WARNING ? 1 : 0;
}

static int run_doctor(const struct sk_args *args)
{
    SK_CLEANUP(sk_findings_fini) struct sk_findings findings = {0};
    struct sk_err err = {0};
    struct sk_buf out;

    sk_doctor_look(args->root, args->config, &sk_doctor_real_senses, &findings);
    if (!args->root)
        look_at_daemon(args, &findings);
    sk_output_begin(&out);
    enum sk_code code =
        args->json ? sk_json_write(put_findings, &findings, &out, &err) : print_all(&findings, &out);
    if (code == SK_OK && args->json)
        code = sk_buf_append(&out, "\n", 1);
    int failed = sk_output_end(code, &out, &err);
    return failed ? 2 : exit_code_of(&findings);
}

static const struct sk_option options[] = {
    SK_OPTION_JSON,
    {"config", 0, SK_OPTION_TEXT, offsetof(struct sk_args, config), "FILE",
     "the daemon's configuration; default " SK_CONFIG_PATH},
    {"root", 0, SK_OPTION_TEXT, offsetof(struct sk_args, root), "DIR", NULL}, /* for tests: another host */
    SK_OPTION_ADDRESS,
    SK_OPTION_HELP,
    {0},
};

const struct sk_verb sk_verb_doctor = {
    .name = "doctor",
    .synopsis = "[OPTION]...",
    .summary = "Look whether this host is fit for sandboxes, and say what to do.",
    .notes =
        "Before the daemon is installed and after. Without root it sees less. Exit code: 0 all is well,\n"
        "1 there are warnings, 2 something does not work.",
    .options = options,
    .run = run_doctor,
};
