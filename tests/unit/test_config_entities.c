/* Which W&B entities are which tenants, as the configuration says it. */
#include "support/config_rig.h"

#define URL "\"wandb_url\": \"https://api.wandb.ai\", "

static void tenants_by_entity_or_a_list(void **state)
{
    struct sk_config config = {0};
    struct sk_faults faults;

    (void)state;
    assert_true(
        parse(&config, &faults, "{" URL "\"wandb_entities\": {\"My_Team\": \"team-a\", \"b\": \"b\"}}"));
    assert_int_equal(config.wandb_entities.len, 2);
    assert_string_equal(config.wandb_entities.rows[0].name, "My_Team");
    assert_string_equal(config.wandb_entities.rows[0].tenant, "team-a");
    sk_config_fini(&config);
    sk_faults_fini(&faults);
    assert_true(parse(&config, &faults, "{" URL "\"wandb_entities\": [\"red\", \"blue\"]}"));
    assert_int_equal(config.wandb_entities.len, 2);
    assert_string_equal(config.wandb_entities.rows[1].name, "blue");
    assert_string_equal(config.wandb_entities.rows[1].tenant, "blue");
    sk_config_fini(&config);
    sk_faults_fini(&faults);
}

static void every_fault_is_told(void **state)
{
    static const struct fault cases[] = {
        {"{\"wandb_url\": \"https://api.wandb.ai\"}",
         "test.json:1: wandb_entities: is missing beside wandb_url, say which W&B entities are which "
         "tenants\n"},
        {"{\"wandb_entities\": [\"a\"]}",
         "test.json:1: wandb_url: is missing beside wandb_entities, say which W&B server knows them\n"},
        {"{\"wandb_entities\": \"a\"}",
         "test.json:1: wandb_entities: is a string, give an object of tenants in { }, or a list in [ ]\n"},
        {"{" URL "\"wandb_entities\": {\"a b\": \"a\"}}",
         "test.json:1: wandb_entities.\"a b\": is no entity, give letters, digits and \"._-\"\n"},
        {"{" URL "\"wandb_entities\": {\"a\": \"A\"}}",
         "test.json:1: wandb_entities.\"a\": \"A\" is no tenant, give up to 63 of a-z, 0-9, \".\" and "
         "\"-\"\n"},
        {"{" URL "\"wandb_entities\": {\"a\": 5}}",
         "test.json:1: wandb_entities.\"a\": is a number, give a string: a tenant\n"},
        {"{" URL "\"wandb_entities\": [\"a\",\n\"a\"]}",
         "test.json:2: wandb_entities[1]: stands there already, give it once\n"},
    };

    (void)state;
    assert_refused(cases, sizeof(cases) / sizeof(cases[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tenants_by_entity_or_a_list),
        cmocka_unit_test(every_fault_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
