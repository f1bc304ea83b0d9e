"""StreamExec message by message, without the SDK's help: order, input, back-pressure, ends."""
import time

import grpc
import pytest

from cwsandbox._proto import sandbox_pb2 as pb
from nodes import Failure, fails, wait_until

pytestmark = pytest.mark.real
Code = grpc.StatusCode
CLOSE = pb.ExecStreamRequest(close=pb.ExecStreamClose())


@pytest.fixture
def box(node):
    return node.running()


def init(box, *command, **fields):
    return pb.ExecStreamRequest(
        init=pb.ExecStreamInit(sandbox_id=box.sandbox_id, command=command, **fields))


def stdin(data):
    return pb.ExecStreamRequest(stdin=data)


def stream(node, *messages, **fields):
    return node.stub.StreamExec(iter(messages), timeout=fields.pop("timeout", 60), **fields)


def kinds(answers):
    return [answer.WhichOneof("message") for answer in answers]


def output(answers):
    return b"".join(answer.output.data for answer in answers)


def test_ready_output_exit(node, box):
    answers = list(stream(node, init(box, "echo", "hi")))
    assert kinds(answers) == ["ready", "output", "exit"]
    assert answers[0].ready.ready_time.seconds > 10**9
    assert (answers[1].output.stream, answers[1].output.data) == (pb.ExecStreamOutput.STREAM_STDOUT, b"hi\n")
    assert answers[2].exit.completed_time.seconds >= answers[0].ready.ready_time.seconds


def test_a_half_close_is_the_end_of_input(node, box):
    assert kinds(stream(node, init(box, "cat"))) == ["ready", "exit"]


def test_pieces_empty_pieces_and_what_comes_too_late(node, box):
    resize = pb.ExecStreamRequest(resize=pb.ExecStreamResize(width=1, height=1))
    answers = list(stream(node, init(box, "cat"), stdin(b"abc"), stdin(b""), resize, stdin(b"def"), CLOSE,
                          stdin(b"late"), CLOSE))
    assert output(answers) == b"abcdef"
    assert answers[-1].exit.exit_code == 0


def test_input_for_a_process_that_reads_none(node, box):
    answers = list(stream(node, init(box, "sh", "-c", "exec <&-; sleep 0.3; exit 9"), *[stdin(b"x" * 65536)] * 40))
    assert answers[-1].exit.exit_code == 9


def test_megabytes_both_ways(node, box):
    piece = bytes(range(256)) * 256
    assert output(stream(node, init(box, "cat"), *[stdin(piece)] * 200)) == piece * 200


def test_a_slow_reader_loses_nothing(node, box):
    answers = stream(node, init(box, "sh", "-c", "head -c 30000000 /dev/zero; echo end >&2; exit 3"))
    time.sleep(1)
    total, last = 0, None
    for last in answers:
        total += len(last.output.data)
    assert (total, last.exit.exit_code) == (30_000_000 + len(b"end\n"), 3)


@pytest.mark.parametrize("second", ["init", "nothing"])
def test_a_second_init_ends_the_command(node, box, second):
    messages = [init(box, "cat"), init(box, "cat") if second == "init" else pb.ExecStreamRequest(), CLOSE]
    if second == "nothing":  # what newer clients may say
        assert kinds(stream(node, *messages)) == ["ready", "exit"]
    else:
        assert fails(stream, node, *messages).code == Code.INVALID_ARGUMENT


def test_deadline_and_cancel_kill(node, box):
    marker = "31337"
    with pytest.raises(grpc.RpcError) as raised:
        list(stream(node, init(box, "sh", "-c", f"sleep {marker} & sleep {marker}"), timeout=1))
    assert Failure.of(raised.value).code == Code.DEADLINE_EXCEEDED
    call = stream(node, init(box, "sleep", marker))
    assert next(call).WhichOneof("message") == "ready"
    call.cancel()
    wait_until(lambda: marker not in node.output(box, "ps -o args | grep -v grep | grep 'sleep 31' || true"), 60,
               "no command outlives its stream")


def test_delete_ends_the_stream(node, box):
    call = stream(node, init(box, "sleep", "1000"))
    assert next(call).WhichOneof("message") == "ready"
    node.delete(box)
    failure = fails(lambda: list(call))
    assert (failure.code, failure.reason) == (Code.FAILED_PRECONDITION, "CWSANDBOX_SANDBOX_NOT_RUNNING")
