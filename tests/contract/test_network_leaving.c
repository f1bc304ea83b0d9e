/* What is left of sandboxes that left. In a lab (support/net_lab.h); root. */
#include "contract/network_scene.h"

struct leaver {
    char link[32];
    int held; /* of its namespace */
};

/* One whose socket still has something to say to somebody whom it does not reach any more: its kernel keeps
 * the namespace for minutes. We hold it, too, that nobody but the driver can be who takes the link down. */
static void leave_talking(struct network_suite *s, const char *id, struct leaver *out)
{
    struct sk_network_place place;
    assert_int_equal(attach(s, id, false, &place) | apply(s, id, &allow_any), SK_OK);
    int fd = lab_connect_inside(place.netns, SOCK_STREAM, V4_A, 80);
    assert_true(lab_echoes(fd));
    assert_int_equal(apply(s, id, &deny_all), SK_OK);
    assert_int_equal(send(fd, "last words", 10, MSG_NOSIGNAL), 10);
    (void)close(fd);
    (void)snprintf(out->link, sizeof(out->link), "skl%s", strrchr(place.netns, '/') + 1);
    out->held = open(place.netns, O_RDONLY | O_CLOEXEC);
    assert_true(out->held >= 0);
    assert_int_equal(detach(s, id), SK_OK);
}

static bool is_there(const char *link)
{
    return lab_run("ip link show %s >/dev/null 2>&1", link) == 0;
}

static bool goes(const char *link)
{
    return lab_await("! ip link show %s >/dev/null 2>&1", link);
}

/* In the folder of the pins, as one whose link may live on; a link goes before its note does. */
#define SOMEBODY_IS_NOTED "ls %s/net | grep -q left"

static void test_link_of_last_words_goes(void **state)
{
    struct network_suite *s = *state;
    struct sk_network_place stays;
    struct leaver leavers[3];
    char id[16];
    assert_int_equal(attach(s, "n1-stays", false, &stays) | apply(s, "n1-stays", &allow_any), SK_OK);
    for (int i = 0; i < 3; i++) {
        (void)snprintf(id, sizeof(id), "n1-%d", i);
        leave_talking(s, id, &leavers[i]);
    }
    bool went = goes(leavers[0].link) && goes(leavers[1].link) && goes(leavers[2].link);
    for (int i = 0; i < 3; i++)
        (void)close(leavers[i].held);
    bool reached = lab_reaches(stays.netns, SOCK_STREAM, V4_A, 80);
    assert_int_equal(detach(s, "n1-stays"), SK_OK);
    assert_true(went);
    assert_true(reached);
}

static void test_closing_leaves_no_link(void **state)
{
    struct network_suite *s = *state;
    struct real *r = sk_container_of(s, struct real, suite);
    struct leaver leaver;
    leave_talking(s, "n1-a", &leaver);
    real_stop(r);
    bool stayed = is_there(leaver.link);
    bool is_noted = lab_run(SOMEBODY_IS_NOTED, r->lab.dir) == 0;
    (void)close(leaver.held);
    assert_true(real_start(r));
    assert_false(stayed);
    assert_false(is_noted);
}

/* A daemon that was killed before it saw to what it had dropped. */
static void test_links_of_an_earlier_daemon_go(void **state)
{
    struct network_suite *s = *state;
    struct real *r = sk_container_of(s, struct real, suite);
    struct sk_network_place stays;
    assert_int_equal(attach(s, "n1-stays", false, &stays), SK_OK);
    const char *number = strrchr(stays.netns, '/') + 1;
    real_stop(r);
    int made =
        lab_run("cd %s/net && touch 200.left 201.id 900.left %s.left c7.left x.left .left &&"
                "for n in 200 201 202 900; do ip link add skl$n type veth peer name far$n || exit 1; done",
                r->lab.dir, number);
    assert_true(real_start(r));
    bool went = goes("skl200") && goes("skl201") && goes("skl900");
    bool strangers_is_there = is_there("skl202"); /* nothing says that it was ours */
    bool is_forgotten = lab_await("! " SOMEBODY_IS_NOTED, r->lab.dir);
    int inside = lab_inside(stays.netns, "ip link show eth0 | grep -q 'state UP'");
    (void)!lab_run("ip link del skl202");
    assert_int_equal(detach(s, "n1-stays"), SK_OK);
    assert_int_equal(made, 0);
    assert_true(went);
    assert_true(strangers_is_there);
    assert_true(is_forgotten);
    assert_int_equal(inside, 0);
}

/* The number is kept back until the link has gone: whoever has it next has a link of his own. */
static void few_addresses(struct sk_nftables_options *options)
{
    options->ipv4.prefix = 29; /* five places */
    options->ready_slots = 0;
    options->rest = (struct sk_duration){0};
}

/* Numbers come back when the links of those who left have gone. */
static void attach_when_there_is_room(struct network_suite *s, const char *id)
{
    struct sk_network_place place;
    enum sk_code code = attach(s, id, false, &place);
    for (int waited = 0; waited < LAB_COMES_MS && code == SK_RESOURCE_EXHAUSTED; waited += 50) {
        (void)usleep(50 * 1000);
        code = attach(s, id, false, &place);
    }
    assert_int_equal(code, SK_OK);
}

static void test_next_one_has_a_link(void **state)
{
    struct network_suite *s = *state;
    struct sk_network_place place;
    struct leaver leavers[4];
    char id[16];
    int up = 0;
    for (int i = 0; i < 4; i++) {
        (void)snprintf(id, sizeof(id), "n1-%d", i);
        leave_talking(s, id, &leavers[i]);
    }
    for (int i = 0; i < 4; i++) {
        (void)snprintf(id, sizeof(id), "n1-%d", i);
        attach_when_there_is_room(s, id);
    }
    (void)usleep(2000 * 1000); /* for what may be about to be taken down */
    for (int i = 0; i < 4; i++) {
        (void)snprintf(id, sizeof(id), "n1-%d", i);
        up += attach(s, id, false, &place) == SK_OK &&
              lab_inside(place.netns, "ip link show eth0 | grep -q 'state UP'") == 0;
        assert_int_equal(detach(s, id), SK_OK);
        (void)close(leavers[i].held);
    }
    assert_int_equal(up, 4);
}

NETWORK_MAIN(few_addresses, IN_LAB(test_link_of_last_words_goes), IN_LAB(test_closing_leaves_no_link),
             IN_LAB(test_links_of_an_earlier_daemon_go), IN_LAB(test_next_one_has_a_link))
