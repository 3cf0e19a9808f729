from __future__ import annotations

from pathlib import Path

from ftc.launch.environment import PORTS, PORTS_FROM, port_of
from ftc.launch.verdict import SHORT, judge, progress
from ftc.messages import Generation, Member

PLAIN = """[W socket.cpp] a warning
Traceback (most recent call last):
  File "/job/train.py", line 12, in <module>
    main()
    ~~~~^^
  File "/usr/lib/python3/dist-packages/torch/nn/modules/module.py", line 1739, in _wrapped_call_impl
    return self._call_impl(*args, **kwargs)
ValueError: expected: 3
[W something] said at the end
"""


def test_a_traceback_says_what_it_was_and_where_in_the_users_own_code() -> None:
    failed = judge(1, PLAIN, "0", None)
    assert failed.message == "ValueError: expected: 3"
    assert failed.fingerprint == "ValueError /job/train.py:12 after 0"
    assert failed.traceback.startswith("Traceback") and failed.traceback.endswith("ValueError: expected: 3")


def test_torch_puts_the_rank_before_every_line() -> None:
    lines = PLAIN.splitlines()
    prefixed = "\n".join([lines[0], *(f"[rank2]: {line}" for line in lines[1:8]), lines[8]])
    assert judge(1, prefixed, "0", None) == judge(1, PLAIN, "0", None)


def test_errors_that_led_to_the_last_are_shown_and_those_before_are_not() -> None:
    first = 'Traceback (most recent call last):\n  File "/job/a.py", line 1, in f\nKeyError: 1\n'
    chained = f"{first}\nDuring handling of the above exception, another exception occurred:\n\n{PLAIN}"
    assert judge(1, chained, "0", None).traceback.startswith('Traceback (most recent call last):\n  File "/job/a.py"')
    assert "a.py" not in judge(1, f"{first}logged, and not the end\n{PLAIN}", "0", None).traceback


def test_a_syntax_error_shows_its_line() -> None:
    text = '  File "/job/train.py", line 2\n    def f(:\n          ^\nSyntaxError: invalid syntax\n'
    failed = judge(1, text, "0", None)
    assert failed.message == "SyntaxError: invalid syntax"
    assert failed.fingerprint.startswith("SyntaxError /job/train.py:2") and "def f(:" in failed.traceback


def test_without_a_traceback_the_exit_code_and_the_last_lines_have_to_do() -> None:
    failed = judge(3, "usage: train.py --data DIR\n", "0", None)
    assert failed.message == "the script ended with exit code 3" and "usage: train.py" in failed.traceback
    assert judge(-11, "", "0", None).message == "the script was ended by SIGSEGV"


def test_only_the_same_error_without_progress_is_the_same() -> None:
    before = judge(1, PLAIN, "5", None).fingerprint
    assert judge(1, PLAIN, "5", before).fatal
    assert not judge(1, PLAIN, "6", before).fatal
    assert not judge(1, PLAIN.replace("line 12", "line 13"), "5", before).fatal


def test_progress_is_the_newest_change_of_any_file_but_not_of_a_run_that_was_short(tmp_path: Path) -> None:
    nothing = progress(tmp_path / "absent", SHORT)
    assert progress(tmp_path, SHORT) == nothing
    start = progress(tmp_path, 0)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "model.pt").write_text("1")
    saved = progress(tmp_path, SHORT)
    assert saved == progress(tmp_path, 2 * SHORT) != nothing
    assert progress(tmp_path, SHORT - 1) == start


def test_ports_of_generations_that_follow_each_other_differ() -> None:
    def port(announced: int, generation: int) -> int:
        return port_of(Generation(generation, "now", (Member("a", "10.0.0.1", announced),), 0))

    assert len({port(20_000, n) for n in range(PORTS)}) == PORTS
    assert all(PORTS_FROM <= port(announced, 3) < PORTS_FROM + PORTS for announced in (1, 28_999, 65_535))
