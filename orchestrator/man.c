#include "man.h"

#include "base/roff.h"
#include "config/config.h"

#include <stdio.h>

const struct sk_daemon_option sk_daemon_options[] = {
    {"config", "FILE", "the configuration (" SK_CONFIG_PATH ")"},
    {"check-config", NULL, "tells every fault of the configuration and of the files it names, and ends"},
    {"print-config", NULL, "prints a commented configuration with all defaults"},
    {"version", NULL, "prints the version"},
    {"help", NULL, "prints this"},
    {0},
};

static const struct {
    const char *term, *text;
} signals[] =
    {
        {"SIGHUP", "Read the configuration again: take all of it over, or nothing. What needs a restart is "
                   "told by name."},
        {"SIGTERM, SIGINT",
         "Stop: refuse what is new, let what is under way finish for a while (shutdown_timeout_s), then end. "
         "Sandboxes "
         "live on, and are taken over by the next daemon, unless drain_sandboxes says \"stop\". A second "
         "signal cuts what is under way."},
},
  files[] =
      {
          {SK_CONFIG_PATH, "The configuration, sandkeepd.json(5)."},
          {"/etc/sandkeep/" SK_CONFIG_FOLDER "/*.json", "Read over it, in the order of their names."},
          {"/var/lib/sandkeep", "What must survive a restart of the machine (state_dir)."},
          {"/run/sandkeep/admin.sock", "Whoever may open it is an admin, without a key (run_dir)."},
          {"/run/sandkeep/address", "Where the daemon listens, an address a line."},
},
  environment[] =
      {
          {"NOTIFY_SOCKET, WATCHDOG_USEC",
           "As of sd_notify(3): READY=1, RELOADING=1, STOPPING=1 and WATCHDOG=1 are sent."},
          {"LISTEN_FDS, LISTEN_PID", "As of sd_listen_fds(3)."},
},
  codes[] = {
      {"0", "It was stopped by a signal, or what was asked for has been printed."},
      {"1", "It could not start, or broke."},
      {"2", "The arguments or the configuration are wrong."},
};

enum sk_code sk_man_usage(struct sk_buf *out)
{
    enum sk_code code = sk_buf_printf(out, "Usage: sandkeepd [OPTION]...\n"
                                           "Runs sandboxes on this machine and serves them over gRPC.\n\n");

    for (const struct sk_daemon_option *o = sk_daemon_options; o->name && code == SK_OK; o++) {
        SK_AUTO_FREE char *left = sk_printf("--%s %s", o->name, o->metavar ? o->metavar : "");
        code = sk_buf_printf(out, "  %-15s %s\n", left, o->help);
    }
    return code;
}

static void write_options(struct sk_roff *roff)
{
    sk_roff_heading(roff, "OPTIONS");
    for (const struct sk_daemon_option *o = sk_daemon_options; o->name; o++) {
        SK_AUTO_FREE char *term =
            sk_printf("--%s%s%s", o->name, o->metavar ? " " : "", o->metavar ? o->metavar : "");
        SK_AUTO_FREE char *text = sk_printf("%s.", o->help);
        sk_roff_item(roff, term, text);
    }
}

#define WRITE_ITEMS(roff, heading, items)                                                                    \
    do {                                                                                                     \
        sk_roff_heading((roff), (heading));                                                                  \
        for (size_t i = 0; i < sk_array_len(items); i++)                                                     \
            sk_roff_item((roff), (items)[i].term, (items)[i].text);                                          \
    } while (0)

enum sk_code sk_man_print(struct sk_buf *out)
{
    struct sk_roff roff;

    sk_roff_begin(&roff, out, "SANDKEEPD", 8, "sandkeepd", "runs sandboxes on this machine");
    sk_roff_heading(&roff, "SYNOPSIS");
    sk_roff_usage(&roff, "sandkeepd", "[OPTION]...");
    sk_roff_heading(&roff, "DESCRIPTION");
    sk_roff_text(&roff,
                 "sandkeepd serves the gRPC API of sandboxes from one machine: it turns requests into "
                 "containers, which containerd keeps, with a network of their own each. Clients are the "
                 "published SDKs and sandkeep(1). Sandboxes outlive the daemon: the next one takes them "
                 "over.");
    write_options(&roff);
    WRITE_ITEMS(&roff, "SIGNALS", signals);
    WRITE_ITEMS(&roff, "FILES", files);
    WRITE_ITEMS(&roff, "ENVIRONMENT", environment);
    WRITE_ITEMS(&roff, "EXIT STATUS", codes);
    sk_roff_heading(&roff, "SEE ALSO");
    sk_roff_text(&roff, "sandkeepd.json(5), sandkeep(1), containerd(8)");
    return sk_roff_end(&roff);
}
