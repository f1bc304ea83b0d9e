"""The lab itself: whatever the truth table says is denied works where nobody denies it, and is seen when it does."""
import collections

import pytest

import net_table

pytestmark = pytest.mark.real
POLICIES = net_table.all_policies()


@pytest.fixture(scope="module")
def box(lab):
    """Unrestricted, beside another that serves."""
    box, other = lab.loose(), lab.loose()
    other.serve(net_table.NEIGHBOUR_PORT)
    box.beside(other)
    return box


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
def test_every_cell_works_where_nobody_denies(lab, box, policy):
    lab.forget()
    answers = net_table.attempts(box, policy.cells, lambda one: one.control)
    heard, wrong = lab.heard(), []
    for one in policy.cells:
        if one.control and one.believed and not answers[one.name]["ok"]:
            wrong.append(f"{one.name}: {answers[one.name]}")
        if one.control and one.trace and not net_table.got_out(one.trace, heard, box.words):
            wrong.append(f"{one.name}: nothing was heard of it: {one.trace} {answers[one.name]}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
def test_no_cell_hides_another(policy):
    """Names are unique, and what is heard of a denied cell is never that of an allowed one."""
    names = collections.Counter(one.name for one in policy.cells)
    assert max(names.values()) == 1, names.most_common(2)
    verdicts = collections.defaultdict(set)
    for one in policy.cells:
        if one.trace:
            verdicts[one.trace].add(one.allowed)
    assert all(len(found) == 1 for found in verdicts.values()), {k: v for k, v in verdicts.items() if len(v) > 1}


def test_nothing_is_heard_of_nothing(lab):
    lab.forget()
    heard = lab.heard()
    assert heard["hellos"] == heard["asked"] == heard["node"] == [], heard
