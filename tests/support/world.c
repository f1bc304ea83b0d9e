#include "support/world.h"

#include "core/sandbox_impl.h"

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

/* --- birth and death --------------------------------------------------------- */

void world_new_node(struct world *w)
{
    const struct sk_node_drivers drivers = {
        .runtime = sk_fake_runtime_base(w->runtime),
        .images = sk_fake_images_base(w->images),
        .agent = sk_fake_agent_base(w->agent),
        .network = sk_fake_network_base(w->network),
        .names = sk_fake_names_base(w->names),
        .edge = w->given_edge,
    };

    w->node = sk_node_new(w->loop, w->log, &w->config, &drivers, w->store);
}

void world_start(struct world *w)
{
    struct answer recovered;

    world_new_node(w);
    answer_init(&recovered);
    sk_node_recover(w->node, &recovered.done);
    world_settle(w);
    for (int i = 0; i < 100 && recovered.count == 0; i++)
        world_advance(w, SK_SEC(1));
    assert_int_equal(recovered.count, 1);
    assert_int_equal(recovered.err.code, SK_OK);
}

void world_init(struct world *w)
{
    *w = (struct world){.loop = sk_vloop_new()};
    w->runtime = sk_fake_runtime_new(w->loop);
    w->images = sk_fake_images_new(w->loop);
    w->agent = sk_fake_agent_new(w->loop, w->runtime);
    w->network = sk_fake_network_new(w->loop);
    w->names = sk_fake_names_new(w->loop);
    w->edge = sk_fake_edge_new(w->loop);
    w->given_edge = sk_fake_edge_base(w->edge);
    w->store = sk_memstore_new(w->loop);
    w->config = (struct sk_node_config){
        .node_id = "n1",
        .organization = "org",
        .runner_group = "group",
        .architecture = "amd64",
        .create_hold = SK_MSEC(250),
        .create_limit = SK_SEC(60),
        .retention = SK_SEC(24 * 3600),
        .max_grace = SK_SEC(300),
        .drain_timeout = SK_SEC(60),
        .drain_grace = SK_SEC(10),
        .shutdown_timeout = SK_SEC(30),
        .default_lifetime_seconds = 3600,
        .default_lease_seconds = 60,
        .max_lease_seconds = 86400,
        .max_sessions = 1000,
        .ceiling_cpu_millis = 8000,
        .ceiling_memory_bytes = INT64_C(8) << 30,
        .capacity = {8000000, INT64_C(8000) << 30, 0},
        .pids_limit = 100,
        .exec_output_max = 1 << 20,
        .log_max = 1 << 20,
        .cpu_count = 8,
        .cpus = {0, 1, 2, 3, 5, 6, 7, 8}, /* as on a host with one offline */
        .network = {.has_names = true,
                    .address = "192.0.2.7",
                    .first_port = 20000,
                    .last_port = 20003,
                    .domain = "box.example",
                    .https_port = 443},
    };
    (void)snprintf(w->config.log_dir, sizeof(w->config.log_dir), "/tmp/sk-world-XXXXXX");
    assert_non_null(mkdtemp(w->config.log_dir));
    world_start(w);
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

void world_stop(struct world *w)
{
    struct answer stopped;

    answer_init(&stopped);
    sk_node_stop(w->node, &stopped.done);
    world_settle(w);
    for (int i = 0; i < 120 && stopped.count == 0; i++)
        world_advance(w, SK_SEC(1));
    assert_int_equal(stopped.count, 1);
    sk_node_free(sk_take(w->node));
}

static int dead(void *arg, const char *call)
{
    (void)arg;
    (void)call;
    return SK_FAKE_FAIL;
}

void world_crash(struct world *w)
{
    world_hook(w, dead, NULL);
    world_stop(w);
    world_hook(w, NULL, NULL);
}

void world_fini(struct world *w)
{
    if (w->node)
        world_stop(w);
    sk_fake_agent_free(w->agent);
    sk_vloop_settle(w->loop);
    sk_fake_runtime_free(w->runtime);
    sk_fake_images_free(w->images);
    sk_fake_network_free(w->network);
    sk_fake_names_free(w->names);
    sk_fake_edge_free(w->edge);
    sk_memstore_free(w->store);
    assert_true(sk_vloop_is_empty(w->loop));
    sk_loop_free(w->loop);
    assert_int_equal(nftw(w->config.log_dir, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

void world_hook(struct world *w, int (*hook)(void *arg, const char *call), void *arg)
{
    struct sk_fake_calls *calls[] = {sk_fake_runtime_calls(w->runtime), sk_fake_images_calls(w->images),
                                     sk_fake_agent_calls(w->agent), sk_fake_network_calls(w->network),
                                     sk_fake_edge_calls(w->edge)};

    for (size_t i = 0; i < sk_array_len(calls); i++) {
        calls[i]->hook = hook;
        calls[i]->arg = arg;
    }
    sk_memstore_hook(w->store, hook, arg);
}

/* Closing a guest cannot fail; only a crash comes before it. */
static int sweep_hook(void *arg, const char *call)
{
    return strcmp(call, "agent.close") == 0 ? SK_FAKE_OK : sk_sweep_hook(arg, call);
}

void world_sweep(struct world *w, struct sk_sweep *sweep)
{
    world_hook(w, sweep_hook, sweep);
}

void world_settle(struct world *w)
{
    sk_vloop_settle(w->loop);
}

void world_advance(struct world *w, struct sk_duration by)
{
    sk_vloop_advance(w->loop, by);
}

void world_assert_clean(struct world *w)
{
    world_hook(w, NULL, NULL);
    for (int i = 0; i < 20; i++) {
        if (sk_fake_runtime_held(w->runtime) == 0 && sk_fake_agent_held(w->agent) == 0 &&
            sk_fake_network_count(w->network) == 0 && sk_fake_edge_count(w->edge) == 0)
            break;
        world_advance(w, SK_SEC(31));
    }
    assert_int_equal(sk_fake_runtime_held(w->runtime), 0);
    assert_int_equal(sk_fake_agent_held(w->agent), 0);
    assert_int_equal(sk_fake_network_count(w->network), 0);
    assert_int_equal(sk_fake_edge_count(w->edge), 0);
}

void world_assert_only_main(struct world *w, const struct sk_sandbox *s)
{
    assert_int_equal(sk_fake_agent_alive(w->agent, s->record->id), 1);
    assert_int_equal(sk_fake_agent_remembered(w->agent, s->record->id), 1);
    assert_true(sk_list_is_empty(&s->execs));
}

/* --- answers -------------------------------------------------------------------- */

static void on_answer(struct sk_done *done, const struct sk_err *err)
{
    struct answer *answer = sk_container_of(done, struct answer, done);

    answer->count++;
    answer->err = err ? *err : (struct sk_err){0};
}

void answer_init(struct answer *answer)
{
    *answer = (struct answer){0};
    sk_done_init(&answer->done, on_answer);
}

/* --- sandboxes -------------------------------------------------------------------- */

void world_command(struct sk_record *record, const char *const *argv)
{
    record->spec.command = sk_strings_copy(&record->arena, argv);
}

struct sk_record *world_record(struct world *w, const char *request_id)
{
    struct sk_id id = sk_id_make(w->config.node_id);
    struct sk_record *record = sk_record_new(id.text);
    struct sk_env *env = sk_arena_alloc(&record->arena, sizeof(*env));
    struct sk_net_rule all[] = {{.peer = SK_NET_ANY}, {.peer = SK_NET_TENANT}};
    struct sk_net_policy open = {.tenant = (char *)(uintptr_t) "key-1", .egress = all, .egress_count = 2};

    *env = (struct sk_env){"GREETING", "hello"};
    record->request_id = sk_arena_strdup(&record->arena, request_id);
    memset(record->request_hash, 7, sizeof(record->request_hash));
    record->spec.image = "python:3.11";
    record->spec.env = env;
    record->spec.env_count = 1;
    record->spec.cpu_limit_millis = 2000;
    record->spec.memory_limit_bytes = INT64_C(256) << 20;
    record->spec.max_lifetime_seconds = 60;
    record->spec.network = sk_net_policy_copy(&record->arena, &open);
    world_command(record, ARGV("sleep", "infinity"));
    return record;
}

void world_add_doors(struct sk_record *record)
{
    struct sk_net_rule rules[] = {{.peer = SK_NET_NAME, .name = (char *)(uintptr_t) "*.example.com"}};
    struct sk_net_service doors[] = {
        {.protocol = SK_NET_TCP, .port = 8080, .visibility = SK_NET_PUBLIC},
        {.protocol = SK_NET_TCP,
         .port = 8443,
         .visibility = SK_NET_PUBLIC,
         .has_endpoint = true,
         .timeout_s = 30},
        {.protocol = SK_NET_TCP, .port = 9000, .visibility = SK_NET_PRIVATE},
    };
    struct sk_net_policy policy = {
        .tenant = (char *)(uintptr_t) "key-1",
        .egress = rules,
        .egress_count = sk_array_len(rules),
        .services = doors,
        .service_count = sk_array_len(doors),
        .dns = SK_NET_DNS_GRANTED,
    };

    record->spec.network = sk_net_policy_copy(&record->arena, &policy);
}

void world_create(struct world *w, struct sk_record *record, struct answer *answer)
{
    answer_init(answer);
    sk_node_create(w->node, record, &answer->sandbox, &answer->done);
}

struct sk_sandbox *world_running(struct world *w, const char *const *argv)
{
    struct answer created;
    struct sk_record *record = world_record(w, "");

    if (argv)
        world_command(record, argv);
    world_create(w, record, &created);
    world_settle(w);
    assert_int_equal(created.count, 1);
    assert_int_equal(created.err.code, SK_OK);
    assert_int_equal(sk_sandbox_record(created.sandbox)->state, SK_STATE_RUNNING);
    return created.sandbox;
}

void world_delete(struct world *w, struct sk_sandbox *s, struct sk_duration grace, struct answer *answer)
{
    answer_init(answer);
    sk_node_delete(w->node, s, grace, &answer->done);
}

int world_stored_state(struct world *w, const char *id)
{
    size_t len = 0;
    const uint8_t *bytes = sk_memstore_get(w->store, id, &len);
    struct sk_record *record = NULL;

    if (!bytes)
        return 0;
    assert_int_equal(sk_record_unpack(bytes, len, &record, NULL), SK_OK);
    int state = (int)record->state;
    sk_record_free(record);
    return state;
}

/* --- execs ---------------------------------------------------------------------------- */

static void on_started(void *arg)
{
    struct run *run = arg;

    run->started++;
    if (run->greedy)
        sk_exec_want(run->exec);
}

static void on_output(void *arg, enum sk_stream stream, uint8_t *data_take, size_t len)
{
    SK_AUTO_FREE uint8_t *data = data_take;
    struct run *run = arg;

    run->chunks++;
    run->last_len = len;
    if (sk_buf_append(stream == SK_STDOUT ? &run->out : &run->err, data, len) != SK_OK)
        run->errors = 1000;
    if (run->greedy)
        sk_exec_want(run->exec);
}

static void on_ended(void *arg, int status)
{
    struct run *run = arg;

    run->exits++;
    run->status = status;
}

static void on_error(void *arg, const struct sk_err *err)
{
    struct run *run = arg;

    run->errors++;
    run->error = *err;
}

static void on_room(void *arg)
{
    ((struct run *)arg)->rooms++;
}

static const struct sk_exec_events events = {on_started, on_output, on_ended, on_error, on_room};

void run_start(struct run *run, struct sk_sandbox *s, const char *const *argv, bool has_stdin, bool greedy)
{
    static const struct sk_env extra[] = {{"EXTRA", "1"}};
    struct sk_exec_request request = {.argv = argv, .env = extra, .env_count = 1, .has_stdin = has_stdin};

    run_request(run, s, &request, greedy);
}

void run_request(struct run *run, struct sk_sandbox *s, const struct sk_exec_request *request, bool greedy)
{
    *run = (struct run){.greedy = greedy};
    sk_buf_init(&run->out, 64 << 20);
    sk_buf_init(&run->err, 64 << 20);
    run->exec = sk_exec_open(s, request, &events, run);
}

void run_close(struct run *run)
{
    sk_exec_close(sk_take(run->exec));
    sk_buf_fini(&run->out);
    sk_buf_fini(&run->err);
}

static const char *text(struct sk_buf *buf)
{
    if (sk_buf_append(buf, "", 1) != SK_OK)
        return "";
    buf->len--;
    return (const char *)buf->data;
}

const char *run_out(struct run *run)
{
    return text(&run->out);
}

const char *run_err(struct run *run)
{
    return text(&run->err);
}
