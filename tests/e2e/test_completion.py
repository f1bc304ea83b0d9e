"""What bash completes: every verb and option there is, and nothing else. No node is needed."""
import re
import shlex
import subprocess

import pytest

from nodes import PATIENCE, ROOT, built

FOLDER = ROOT / "deploy/completion"


@pytest.fixture(scope="module")
def build():
    return built()


def say(*command):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True, timeout=PATIENCE).stdout


def complete(program, *words):
    """What bash offers when the last word is completed."""
    line = " ".join(shlex.quote(word) for word in (program, *words))
    script = f"source {FOLDER / program}; COMP_WORDS=({line}); COMP_CWORD={len(words)}; _{program}; " \
             "printf '%s\\n' \"${COMPREPLY[@]}\""
    return set(say("bash", "-c", script).split())


def verbs(build):
    return re.findall(r"^  (\w+(?: \w+)?) {2,}", say(build / "sandkeep", "--help"), re.M)


def options(text):
    return set(re.findall(r"^ +(?:-\w, )?(--[\w-]+)", text, re.M))


def test_the_file_is_what_the_program_prints(build):
    assert (FOLDER / "sandkeep").read_text() == say(build / "sandkeep", "--print-completion")


def test_every_verb_and_option_is_completed(build):
    found = verbs(build)
    assert len(found) > 20
    for verb in found:
        words = verb.split()
        assert words[0] in complete("sandkeep", words[0][:1])
        if len(words) > 1:
            assert words[1] in complete("sandkeep", words[0], "")
        assert complete("sandkeep", *words, "--") == options(say(build / "sandkeep", *words, "--help")), verb


def test_words_that_are_no_options(tmp_path, monkeypatch):
    (tmp_path / "some-file").touch()
    monkeypatch.chdir(tmp_path)
    assert complete("sandkeep", "cp", "some") == {"some-file"}
    assert complete("sandkeep", "network", "set", "--file", "") == {"some-file"}
    assert complete("sandkeep", "ls", "--state", "") == set()
    assert "session" in complete("sandkeep", "")


def test_the_daemon(build):
    assert complete("sandkeepd", "--") == options(say(build / "sandkeepd", "--help"))
