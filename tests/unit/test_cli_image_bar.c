#include "cli/image_bar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
// clang-format off: cmocka needs the three above
#include <cmocka.h>
// clang-format on

typedef Sandkeep__V1__PullImageResponse response;

static response at(Sandkeep__V1__PullPhase phase, int64_t done, int64_t total)
{
    response said = SANDKEEP__V1__PULL_IMAGE_RESPONSE__INIT;

    said.phase = phase;
    said.done_bytes = done;
    said.total_bytes = total;
    return said;
}

static void line(const response *said, int64_t rate, const char *want)
{
    char text[SK_IMAGE_BAR_MAX];

    sk_image_bar_print("a", said, rate, 200, text);
    assert_string_equal(text, want);
}

static void test_phases(void **state)
{
    response said = at(SANDKEEP__V1__PULL_PHASE__PULL_PHASE_WAITING, 0, 0);

    (void)state;
    line(&said, 0, "a  waiting");
    said = at(SANDKEEP__V1__PULL_PHASE__PULL_PHASE_DOWNLOADING, 1 << 20, 4 << 20);
    said.layers = 4;
    said.layers_done = 1;
    line(&said, 512 << 10, "a  1.0 MiB / 4.0 MiB  25 %  [#####...............]  layers 1/4  512.0 KiB/s");
    said = at(SANDKEEP__V1__PULL_PHASE__PULL_PHASE_UNPACKING, 4 << 20, 4 << 20);
    said.layers = 4;
    said.layers_done = 3;
    line(&said, 0, "a  unpacking  layers 3/4");
    said = at(SANDKEEP__V1__PULL_PHASE__PULL_PHASE_DONE, 4 << 20, 4 << 20);
    line(&said, 0, "a  done");
}

/* What a server says of sizes need not make sense. */
static void test_strange_numbers(void **state)
{
    response said = at(SANDKEEP__V1__PULL_PHASE__PULL_PHASE_DOWNLOADING, 8 << 20, 4 << 20);

    (void)state;
    line(&said, 0, "a  8.0 MiB / 4.0 MiB  100 %  [####################]");
    said = at(SANDKEEP__V1__PULL_PHASE__PULL_PHASE_DOWNLOADING, -5, 4 << 20);
    line(&said, 0, "a  -5 B / 4.0 MiB  0 %  [....................]");
    said = at(SANDKEEP__V1__PULL_PHASE__PULL_PHASE_DOWNLOADING, 5, -7);
    line(&said, -3, "a  waiting");
    said = at(SANDKEEP__V1__PULL_PHASE__PULL_PHASE_DOWNLOADING, INT64_MAX, INT64_MAX);
    said.layers = said.layers_done = INT32_MAX;
    line(&said, INT64_MAX,
         "a  8.0 EiB / 8.0 EiB  100 %  [####################]  layers 2147483647/2147483647  8.0 EiB/s");
}

static void test_lines_fit_and_carry_no_controls(void **state)
{
    char name[400], text[SK_IMAGE_BAR_MAX];
    response said = at(SANDKEEP__V1__PULL_PHASE__PULL_PHASE_WAITING, 0, 0);

    (void)state;
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    for (size_t width = 0; width < 300; width += 7) {
        sk_image_bar_print(name, &said, 0, width, text);
        assert_in_range(strlen(text), 0, width);
    }
    sk_image_bar_print("a\x1b[2Jb", &said, 0, 80, text);
    assert_string_equal(text, "a?[2Jb  waiting");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_phases),
        cmocka_unit_test(test_strange_numbers),
        cmocka_unit_test(test_lines_fit_and_carry_no_controls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
