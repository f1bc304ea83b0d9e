/* look.c: all families, over one configuration. */
#include "doctor/host.h"

#include <unistd.h>

void sk_doctor_look(const char *root, const char *config_path, const struct sk_doctor_senses *senses,
                    struct sk_findings *findings)
{
    struct sk_doctor d = {.root = root ? root : "",
                          .senses = senses,
                          .config_path = config_path ? config_path : SK_CONFIG_PATH,
                          .is_root = root || geteuid() == 0,
                          .findings = findings};
    SK_CLEANUP(sk_config_fini) struct sk_config config = {.exposes_keys = false};
    SK_CLEANUP(sk_faults_fini) struct sk_faults faults;
    SK_AUTO_FREE char *path = sk_doctor_path(&d, d.config_path);
    struct sk_err err = {0};

    sk_faults_init(&faults, d.config_path);
    if (sk_config_load(&config, path, &faults, &err) == SK_OK)
        d.config = &config;
    sk_doctor_config(&d, &faults, &err);
    sk_doctor_kernel(&d);
    sk_doctor_cgroups(&d);
    sk_doctor_memory(&d);
    sk_doctor_limits(&d);
    sk_doctor_clock_check(&d);
    sk_doctor_disks(&d);
    sk_doctor_runtimes(&d);
    sk_doctor_network(&d);
    sk_doctor_files(&d);
}
