"""Standbys that take the state from time to time: what they hold is a committed step, and only what differs is moved."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from cluster import Cluster
from ftc import feed, store
from ftc.config import Config
from ftc.digest import digest
from ftc.errors import FtcError
from ftc.feed import Feed
from ftc.membership_proof import Key
from ftc.messages import Generation, Member
from ftc.packing import pack
from ftc.place import Place
from ftc.progress import Progress
from ftc.slices import Plan
from ftc.standby import Standby, choose
from ftc.state import Registered

KEY = Key(b"k" * 32, b"m" * 32)

EPOCHS = "40"
"""Steps enough to kill somebody in the middle: 200 of them."""


@pytest.fixture(scope="module")
def long_run(tmp_path_factory: pytest.TempPathFactory) -> str:
    with Cluster(tmp_path_factory.mktemp("long"), FTC_EPOCHS=EPOCHS) as cluster:
        cluster.begin("a")
        (digest_of_it,) = cluster.digests("a")
        return digest_of_it


def held_by(cluster: Cluster, worker: str, since: int = 0) -> int:
    """The step of the state that a standby says it has."""
    (beat,) = cluster.master.wait(
        lambda w, m: w == worker and m["type"] == "heartbeat" and m["step"] > 0 and m["generation"] is None, since=since
    )
    step: int = beat["step"]
    return step


def with_standby(tmp: Path, script: str = "tiny.py", **env: str) -> Cluster:
    cluster = Cluster(tmp, script, **{"FTC_EPOCHS": EPOCHS, "CHECKPOINT_EVERY": "100000", **env})
    cluster.start("s")
    cluster.master.wait_ready("s")
    cluster.begin("a", "b")
    return cluster


def test_a_promoted_standby_ends_with_the_same_bits(tmp_path: Path, long_run: str) -> None:
    with with_standby(tmp_path, FTC_STANDBY_SYNC="1") as cluster:
        held_by(cluster, "s")
        cluster.kill("b")
        cluster.master.form(["a", "s"])
        assert cluster.digests("a", "s") == {long_run}
        assert "rank 1 of 2 in generation 2" in cluster.log("s")


def test_a_standby_carries_on_when_all_ranks_are_lost(tmp_path: Path, long_run: str) -> None:
    """No checkpoint is there: without it, everything would begin again."""
    with with_standby(tmp_path, FTC_STANDBY_SYNC="3") as cluster:
        held = held_by(cluster, "s")
        cluster.kill("a", "b")
        since = len(cluster.master.messages)
        cluster.start("c")
        cluster.master.wait_ready("c", since=since)
        cluster.master.form(["c", "s"])
        first = cluster.master.wait(lambda _, m: m["type"] == "committed", 2, since=since)
        assert {m["fromStep"] for m in first} == {first[0]["fromStep"]} and first[0]["fromStep"] >= held
        assert cluster.digests("c", "s") == {long_run}


def test_a_newer_checkpoint_wins(tmp_path: Path) -> None:
    with with_standby(tmp_path, FTC_STANDBY_SYNC="100000", CHECKPOINT_EVERY="5") as cluster:
        held = held_by(cluster, "s")
        cluster.master.wait(lambda _, m: m["type"] == "checkpoint" and m["ok"] and m["step"] > held)
        cluster.kill("a", "b")
        since = len(cluster.master.messages)
        cluster.master.form(["s"])
        (first,) = cluster.master.wait(lambda _, m: m["type"] == "committed", since=since)
        assert first["fromStep"] > held and first["fromStep"] % 5 == 0


@pytest.mark.parametrize("every", ["", "1"])
def test_a_promotion_moves_only_what_differs(tmp_path: Path, every: str) -> None:
    with with_standby(tmp_path, "frozen.py", FTC_STANDBY_SYNC=every) as cluster:
        cluster.master.wait_step(1)
        if every:
            held_by(cluster, "s")
        cluster.kill("b")
        cluster.master.form(["a", "s"])
        cluster.master.wait(lambda w, m: w == "s" and m["type"] == "committed")
        moved = [int(n) for n in re.findall(r"ftc: (\d+) bytes of state moved", cluster.log("s"))]
        whole = 10_000 * 64 * 4
        assert sum(moved) < 10_000 if every else moved[0] > whole


class Pair:
    """A member's objects and feed, and a standby beside it, in this process."""

    def __init__(self, tmp: Path) -> None:
        self.own, self.other = made(), made()
        listening = store.listen()
        self.member = Member("m", "127.0.0.1", listening.getsockname()[1])
        self.store = store.serve(listening)
        self.progress = Progress()
        place = Place(self.progress)
        place.plan = Plan(100, 10, 1, 0)
        self.standby = Standby(config(tmp), lambda: KEY, self.progress, self.other, place)

    def follow(self, port: int) -> None:
        self.store.set(KEY.name(feed.PORT), str(port))
        self.standby.follow(Generation(1, "now", (self.member,), 0))


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    made_pair = Pair(tmp_path)
    yield made_pair
    made_pair.standby._target = None


def made() -> Registered:
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 1))
    model[0].requires_grad_(False)
    return Registered(model, torch.optim.Adam(model[1].parameters()), None, None, False, {})


def trained(own: Registered) -> None:
    own.model(torch.ones(1, 4)).sum().backward()
    own.optimizers[0].step()
    own.optimizers[0].zero_grad()


def config(tmp: Path) -> Config:
    from ftc.config import from_env

    return from_env({"JOB_ID": "tiny", "FTC_SCRIPT": "/x.py", "FTC_STEPS": "1", "CHECKPOINT_DIR": str(tmp), "FTC_WORKER_ID": "s"})


def offered(subject: Feed, own: Registered, step: int) -> None:
    """Offers when somebody follows; returns when it has been answered."""
    with subject._changed:
        assert subject._changed.wait_for(lambda: subject._followers, 30)
    subject.offer(own, step, 0.5)
    with subject._changed:
        assert subject._changed.wait_for(lambda: subject._snapshot is None, 30)


def test_snapshots_are_loaded_and_only_changes_travel(pair: Pair) -> None:
    subject = Feed("tiny", 2, lambda: KEY)
    pair.follow(subject.port)
    trained(pair.own)
    offered(subject, pair.own, 7)  # it is new: it does not wait for a multiple
    assert digest(pair.other.capture()) == digest(pair.own.capture())
    assert (pair.progress.step, pair.progress.holds_state, pair.progress.loss, pair.progress.samples) == (7, True, 0.5, 70)
    first = subject.bytes_sent
    trained(pair.own)
    offered(subject, pair.own, 9)
    assert pair.progress.step == 7 and subject.bytes_sent == first  # not due
    offered(subject, pair.own, 10)
    assert digest(pair.other.capture()) == digest(pair.own.capture())
    assert pair.progress.step == 10 and subject.bytes_sent - first < first
    offered(subject, pair.own, 8)
    assert pair.progress.step == 10  # what is older than what it holds is not taken
    pair.standby.rest()
    assert not pair.standby.following


def serve(frames: list[bytes], answers: list[bytes], seen: Callable[[], None] = lambda: None) -> int:
    """A member that sends one thing a connection, and keeps what is answered. `seen` is called before each and at the end."""
    listening = store.listen()

    def run() -> None:
        for data in frames:
            sock, _ = listening.accept()
            with sock:
                seen()
                feed.admit(sock, "tiny", KEY)
                sock.sendall(data)
                sock.shutdown(socket.SHUT_WR)
                answer = sock.recv(1)
                if len(answers) == len(frames) - 1:
                    seen()
                answers.append(answer)

    threading.Thread(target=run, daemon=True).start()
    return int(listening.getsockname()[1])


def test_a_broken_transfer_is_dropped(pair: Pair) -> None:
    trained(pair.own)
    good = [b"".join(feed.frame(step, 1.0, pack(pair.own.capture()))) for step in (3, 4, 5)]
    damaged = bytearray(good[1])
    damaged[-1] ^= 1
    answers: list[bytes] = []
    partial = good[0][:-5]
    steps: list[int] = []
    pair.follow(serve([partial, bytes(damaged), good[2]], answers, lambda: steps.append(pair.progress.step)))
    while len(answers) < 3:
        threading.Event().wait(0.01)
    assert steps == [0, 0, 0, 5]
    assert answers == [b"", b"", feed.TAKEN]
    assert pair.progress.step == 5 and digest(pair.other.capture()) == digest(pair.own.capture())


def test_a_state_that_does_not_fit_is_told_at_the_promotion(pair: Pair) -> None:
    other: dict[str, Any] = {"model": pair.own.capture()["model"], "optimizer": {}}
    answers: list[bytes] = []
    pair.follow(serve([b"".join(feed.frame(3, 1.0, pack(other)))], answers))
    while not answers:
        threading.Event().wait(0.01)
    with pytest.raises(FtcError, match="does not fit"):
        pair.standby.rest()
    assert not pair.progress.holds_state


def test_a_state_of_a_model_that_was_rebuilt_is_left_for_the_promotion(pair: Pair) -> None:
    other: dict[str, Any] = {"model": {"w": torch.ones(3)}, "optimizer": {}}
    answers: list[bytes] = []
    pair.follow(serve([b"".join(feed.frame(3, 1.0, pack(other)))], answers))
    while not answers:
        threading.Event().wait(0.01)
    pair.standby.rest()
    assert answers == [feed.NOT] and not pair.progress.holds_state


def test_rank_0_feeds_nobody_unless_it_is_alone() -> None:
    members = tuple(Member(name, "h", 1) for name in "abc")
    assert {choose(Generation(1, "now", members, 0), f"s{i}") for i in range(50)} == set(members[1:])
    assert choose(Generation(1, "now", members[:1], 0), "s") == members[0]
    assert choose(Generation(1, "now", (), 0), "s") is None
