from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from ftc.launch.environment import PORTS, PORTS_FROM, port_of
from ftc.launch.numbers import let_pass
from ftc.launch.verdict import SHORT, judge, progress, recorded
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
    assert failed.message == "the script ended with exit code 3: usage: train.py --data DIR" and "usage: train.py" in failed.traceback
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


@pytest.mark.parametrize(("rank", "world", "turn"), [(0, 3, 64), (2, 3, 64), (63, 64, 128), (100, 101, 128)])
def test_a_script_has_a_process_number_that_no_other_rank_has(rank: int, world: int, turn: int) -> None:
    def number() -> int:
        let_pass(rank, world)
        with subprocess.Popen(["true"]) as process:
            return process.pid

    assert any(number() % turn == rank for _ in range(10))


def test_ports_of_generations_that_follow_each_other_differ() -> None:
    def port(announced: int, generation: int) -> int:
        return port_of(Generation(generation, "now", (Member("a", "10.0.0.1", announced),), 0))

    assert len({port(20_000, n) for n in range(PORTS)}) == PORTS
    assert all(PORTS_FROM <= port(announced, 3) < PORTS_FROM + PORTS for announced in (1, 28_999, 65_535))


BAR = "\r  50.0%|#####     | 100/200 [00:00<00:00, 99.9it/s]\r 100.0%|##########| 200/200 [00:01<00:00, 99.9it/s]"


@pytest.mark.parametrize("prefix", ["", "[rank2]: "])
@pytest.mark.parametrize("bar", [BAR, "\x1b[32m" + BAR + "\x1b[0m", "Epoch 3: ", BAR + "\r\n"])
def test_a_traceback_may_begin_behind_a_progress_bar(prefix: str, bar: str) -> None:
    lines = PLAIN.splitlines()
    shown = lines[0] + "\n" + bar + "\n".join([*(f"{prefix}{line}" for line in lines[1:8]), lines[8]])
    assert judge(1, shown, "0", None) == judge(1, PLAIN, "0", None)


def test_colours_do_not_hide_an_error_and_nothing_moves_the_cursor() -> None:
    coloured = PLAIN.replace("ValueError", "\x1b[1;31mValueError\x1b[0m").replace('"/job', '\x1b[35m"/job')
    coloured = coloured.replace("expected: 3", "expected: 3\x9b2J\x08\u202e").replace("main()", "\x1b]0;title\x07main()")
    failed = judge(1, coloured, "0", None)
    assert failed.message == "ValueError: expected: 3\ufffd2J\ufffd\ufffd"
    assert not any(ord(c) < 32 and c != "\n" or c in "\x9b\u202e" for c in failed.message + failed.traceback)
    assert failed.fingerprint == judge(1, PLAIN, "0", None).fingerprint


BOXED = """
╭──────────────────── Traceback (most recent call last) ─────────────────────╮
│ /job/train.py:24 in <module>                                               │
│                                                                            │
│   21                                                                       │
│ ❱ 24 main()                                                                │
│ ╭──── locals ────╮                                                         │
│ │ label = 17     │                                                         │
│ ╰────────────────╯                                                         │
│ /usr/lib/python3/dist-packages/torch/nn/modules/module.py:1739 in _call     │
╰────────────────────────────────────────────────────────────────────────────╯
ValueError: the label 17 is out of range
"""


@pytest.mark.parametrize("prefix", ["", "[rank0]: "])
def test_a_traceback_may_be_drawn_in_a_box(prefix: str) -> None:
    failed = judge(1, "\n".join(prefix + line if line else line for line in BOXED.split("\n")), "0", None)
    assert failed.message == "ValueError: the label 17 is out of range"
    assert failed.fingerprint == "ValueError /job/train.py:24 after 0"
    assert failed.traceback.startswith("╭─") and "locals" in failed.traceback
    ascii_box = BOXED.translate(str.maketrans("╭╮╰╯─│", "++++-|"))
    assert judge(1, ascii_box, "0", None).message == failed.message


def test_the_error_of_a_loader_process_is_the_one_that_counts() -> None:
    inner = 'Original Traceback (most recent call last):\n  File "/job/data.py", line 7, in __getitem__\nKeyError: 17\n'
    outer = PLAIN.replace("expected: 3", "Caught KeyError in DataLoader worker process 0.\n" + inner.rstrip())
    failed = judge(1, outer, "0", None)
    assert failed.message == "KeyError: 17" and failed.fingerprint.startswith("KeyError /job/data.py:7")
    assert "/job/train.py" in failed.traceback and failed.traceback.endswith("KeyError: 17")


def test_the_innermost_error_of_an_exception_group_counts() -> None:
    group = """  + Exception Group Traceback (most recent call last):
  |   File "/job/train.py", line 12, in <module>
  |     asyncio.run(main())
  | ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "/job/train.py", line 4, in load
    | ValueError: the label 17 is out of range
    +------------------------------------
"""
    failed = judge(1, group, "0", None)
    assert failed.message == "ValueError: the label 17 is out of range"
    assert failed.fingerprint == "ValueError /job/train.py:4 after 0" and "TaskGroup" in failed.traceback


def test_an_error_that_python_ignores_is_not_the_reason() -> None:
    ignored = 'Exception ignored in: <function Pool.__del__ at 0x7f>\nTraceback (most recent call last):\n  File "/x.py", line 1\nOSError: late\n'
    assert judge(1, PLAIN + ignored, "0", None).message == "ValueError: expected: 3"


def test_without_an_error_the_last_line_is_told_but_does_not_make_it_another_one() -> None:
    failed = judge(2, "usage: train.py\ntrain.py: error: --data is required\n[W1128 c10d.cpp] late\n", "0", None)
    assert failed.message == "the script ended with exit code 2: train.py: error: --data is required"
    assert judge(2, BAR, "0", None).message.startswith("the script ended with exit code 2: 100.0%|")
    assert judge(2, BAR, "0", failed.fingerprint).fatal


def test_what_torchs_record_wrote_is_read(tmp_path: Path) -> None:
    file = tmp_path / "error.json"
    assert recorded(file) == ""
    file.write_text(json.dumps({"message": {"message": "ValueError: expected: 3", "extraInfo": {"py_callstack": PLAIN.split("\n", 1)[1]}}}))
    assert judge(1, recorded(file), "0", None).message == "ValueError: expected: 3"
    for broken in ("", "[]", '{"message": "text"}', '{"message": {"extraInfo": {"py_callstack": 3}}}'):
        file.write_text(broken)
        assert recorded(file) == ""
