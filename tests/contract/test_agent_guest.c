/* The contract on the real guest. */
#include "contract/agent_files.h"
#include "support/guest_rig.h"

int main(void)
{
    const struct CMUnitTest tests[] = {AGENT_CONTRACT, AGENT_FILES_CONTRACT,
                                       AGENT_TEST(await_can_be_cancelled)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
