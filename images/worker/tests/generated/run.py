"""One run of a program: worker processes on loopback under the fake master, broken as planned, to their end."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from cluster import Cluster
from master import Json
from metrics import read

from . import faults as beside
from .outcome import Outcome
from .plan import Fault
from .program import Program, on_non_finite
from .source import source

PATIENCE = 30.0
"""Seconds without what is waited for: these scripts take a second in all."""

CHECKPOINT = 3.0
"""Seconds for a checkpoint of a few kilobytes."""


STARTED_ANEW = "a script started anew"

ANEW = 75
"""The exit code of a worker whose script starts anew."""


class Ended(Exception):
    """A worker has failed, so that what is waited for does not come."""


class Run:
    """`root` is a new folder; the script and the workers' output stay in it."""

    def __init__(self, program: Program, workers: int, faults: Sequence[Fault], root: Path) -> None:
        root.mkdir(parents=True)
        (root / "script.py").write_text(source(program))
        shutil.copy(beside.__file__, root / "faults.py")
        self._program = program
        self._workers = workers
        self._faults = faults
        self._root = root
        self._named = 0
        self._members: list[str] = []
        self._applied: list[str] = []
        self._seen_gone: set[str] = set()
        self._cluster = Cluster(
            root,
            str(root / "script.py"),
            FTC_VIRTUAL_RANKS=program["virtual_ranks"],
            FTC_SEED=program["job_seed"],
            FTC_EPOCHS="",
            FTC_STEPS=program["steps"],
            CHECKPOINT_EVERY=program["checkpoint_every"],
            FTC_ON_NON_FINITE=on_non_finite(program),
        )
        self._master = self._cluster.master
        self._master.heartbeat_ms = 50

    def outcome(self) -> Outcome:
        with self._cluster:
            try:
                digests = self._to_the_end()
            except Ended:
                return self._failed()
            except AssertionError as error:
                return self._made(hang=f"{error}{self._where()}")
        return self._made(digests=tuple(sorted(digests)))

    def _made(self, digests: tuple[str, ...] = (), refusal: str = "", crash: str = "", hang: str = "") -> Outcome:
        return Outcome(self._workers, digests, refusal, crash, hang, tuple(self._applied))

    def _to_the_end(self) -> set[str]:
        for fault in self._faults:
            self._hold(fault).touch()
        self._members = self._new(self._workers)
        self._master.form(self._members)
        for fault in self._faults:
            said = self._wait(lambda _, m, k=fault.step: m["type"] == "finishing" or m["type"] in ("heartbeat", "committed") and m["step"] >= k)  # type: ignore[misc]
            # Elsewhere the fault may come before they are held, in what follows the commit.
            if said["type"] == "finishing" or self._program["finish"] != "none" and not self._is_held(fault.step):
                break  # the script has ended training by itself
            # Two cannot tell which of them has the wrong bit.
            if fault.kind != "bit flip" or len(self._members) > 2:
                self._applied.append(str(fault))
                self._apply(fault)
            self._hold(fault).unlink(missing_ok=True)
        # One that starts its script anew has its successor's name at the same place.
        done = [self._wait(lambda w, m, k=place: w == self._members[k] and m["type"] == "done") for place in range(len(self._members))]  # type: ignore[misc]
        return {f"{result(message)}{self._written()}" for message in done}

    def _is_held(self, step: int) -> bool:
        """Waits until a worker is in this step, which is not to come where the script has ended training by then."""
        until = time.monotonic() + PATIENCE
        while not (self._root / f"held-{step}").exists():
            if any(m["type"] in ("finishing", "failed") for _, m, _ in list(self._master.messages)):
                return False
            assert time.monotonic() < until, f"nobody came to step {step} in {PATIENCE} s"
            time.sleep(0.002)
        return True

    def _written(self) -> str:
        """What else must be the same in all runs: the lines of metrics.jsonl, and what was to happen once a step."""
        found, metrics, noted = "", self._root / "tiny" / "metrics.jsonl", self._root / "noted"
        if metrics.exists():
            found += f" metrics={shortly(read(metrics))}"
        if noted.exists():
            found += f" noted={','.join(self._once(noted.read_text().split()))}"
        return found

    def _once(self, noted: list[str]) -> list[str]:
        """A worker that is lost between a side effect and the line that says so leaves it to another, which runs it again: once for each loss.

        At once, too, but for one that is frozen before its own: it runs that when it wakes up, while the others are some steps on.
        """
        again = len(noted) - len(set(noted))
        late = again - sum(number == before for before, number in zip(noted, noted[1:]))
        losses = sum(not fault.startswith(("pause", "join", "bit flip")) for fault in self._applied)
        frozen = sum(fault.startswith("long pause") for fault in self._applied)
        return list(dict.fromkeys(noted)) if again <= losses and late <= frozen else noted

    def _hold(self, fault: Fault) -> Path:
        return self._root / f"hold-{fault.step}"

    def _new(self, count: int) -> list[str]:
        """Starts workers, and waits until they are ready, or have taken over a result that was there."""
        names = self._start(count)
        for name in names:
            self._wait(lambda w, m, n=name: w == n and m["type"] in ("ready", "done"))  # type: ignore[misc]
        return names

    def _start(self, count: int) -> list[str]:
        names = [f"w{self._named + i}" for i in range(count)]
        self._named += count
        self._cluster.start(*names)
        return names

    def _apply(self, fault: Fault) -> None:
        victim = self._members[fault.victim % len(self._members)]
        others = [name for name in self._members if name != victim]
        if fault.kind == "pause":
            self._cluster.signal(victim, signal.SIGSTOP)
            self._cluster.signal(victim, signal.SIGCONT)
        elif fault.kind == "long pause":
            self._pause(victim, others, fault)
        elif fault.kind == "join":
            self._regroup([*self._members, *self._new(1)], "boundary")
        elif fault.kind == "leave":
            self._leave(victim, fault)
            self._regroup(others or self._new(1))
        elif fault.kind == "bit flip":
            self._flip(victim, fault)
        elif fault.kind == "kill all":
            self._saved(fault.step)
            self._cluster.kill(*self._members)
            self._regroup(self._new(len(self._members)))
        else:
            self._kill(victim, fault)
            newcomers = self._new(1) if fault.kind == "kill and replace" or not others else []
            self._regroup([*others, *newcomers])

    def _kill(self, victim: str, fault: Fault) -> None:
        """In a step: the others are let go first, so that they may be anywhere in it, or wait for the victim."""
        if fault.kind == "kill in a step":
            (self._root / f"hold-{fault.step}-{victim}").touch()
            self._hold(fault).unlink()
        self._cluster.kill(victim)

    def _pause(self, victim: str, others: list[str], fault: Fault) -> None:
        """Until the others have gone on without it; what it then says about the old generation must not matter. Every second time they take it in again."""
        self._cluster.signal(victim, signal.SIGSTOP)
        self._regroup(others or self._new(1))
        self._hold(fault).unlink()
        self._wait(self._committed)
        self._cluster.signal(victim, signal.SIGCONT)
        if fault.number % 2:
            self._regroup([*self._members, victim])

    def _leave(self, victim: str, fault: Fault) -> None:
        self._cluster.signal(victim, signal.SIGTERM)
        self._hold(fault).unlink()
        self._wait(lambda w, m: w == victim and m["type"] == "leaving")
        self._cluster.workers[victim].join(PATIENCE)

    def _saved(self, step: int) -> None:
        """Until the checkpoint that is due is there, so that training goes on from it, and does not begin anew. One that a fault took never comes."""
        every = self._program.number("checkpoint_every")
        due = step - step % every
        with suppress(AssertionError):
            self._master.wait(lambda _, m: m["type"] == "checkpoint" and m["step"] >= due > 0, timeout=CHECKPOINT if due > 0 else 0)

    def _flip(self, victim: str, fault: Fault) -> None:
        order = self._root / f"flip-{fault.step}-{victim}"
        (self._root / "order").write_text(str(fault.number))
        (self._root / "order").rename(order)

    def _regroup(self, members: list[str], when: str = "now") -> None:
        self._members = members
        self._master.form(members, when)

    def _committed(self, _worker: str, message: Json) -> bool:
        """Or it has ended training by itself, as `job.finish` does: then there is no further step."""
        return bool(message["type"] == "finishing" or message["type"] == "committed" and message["generation"] == self._master.generation)

    def _wait(self, fits: Callable[[str, Json], bool]) -> Json:
        """The first message that fits. Raises Ended where a worker fails before. Another one is started for each that starts its script anew."""
        while True:
            (message,) = self._master.wait(lambda w, m: m["type"] == "failed" or fits(w, m) or self._is_gone(w, m), timeout=PATIENCE)
            if message["type"] != "(gone)":
                break
            self._replace()
        failed = [m for _, m, _ in self._master.messages if m["type"] == "failed"]
        if failed or not fits("", message) and message["type"] == "failed":
            raise Ended
        return message

    def _is_gone(self, worker: str, message: Json) -> bool:
        """A member has ended, and not because this run has killed it."""
        return message["type"] == "(gone)" and worker in self._members and worker not in self._seen_gone

    def _replace(self) -> None:
        """What the engine's restart does for workers whose script starts anew."""
        new: dict[str, str] = {}
        while gone := [w for w, m, _ in list(self._master.messages) if self._is_gone(w, m)]:
            self._seen_gone.update(gone)
            for name in gone:
                if self._cluster.exit_code(name) != ANEW:
                    continue
                self._applied.append(STARTED_ANEW)
                (new[name],) = self._start(1)
                self._master.wait(lambda w, m, n=new[name]: w == n and m["type"] in ("ready", "done", "failed"), timeout=PATIENCE)  # type: ignore[misc]
        if new:
            self._regroup([new.get(name, name) for name in self._members])

    def _failed(self) -> Outcome:
        """Of several failures, one that is no refusal says most."""
        failed = [m for _, m, _ in self._master.messages if m["type"] == "failed"]
        for message in failed:
            if not message["fatal"] or message["fingerprint"].startswith("SyntaxError"):
                return self._made(crash=innermost(message["traceback"] or message["message"]))
        return self._made(refusal=failed[0]["message"])

    def _where(self) -> str:
        """Where the workers stand, as they say when asked."""
        for process in self._cluster.workers.values():
            if process.is_alive() and process.pid is not None:
                os.kill(process.pid, signal.SIGUSR1)
                process.join(0.2)
        return "".join(f"\n--- {name}\n{self._cluster.log(name)[-3000:]}" for name in self._members)


def result(done: Json) -> str:
    """The digest, and what the script measured after the loop: it is to depend on as little."""
    end = done["metrics"].get("end")
    digest = str(done["digest"])
    return digest if end is None else f"{digest} end={end!r}"


def shortly(lines: list[Json]) -> str:
    return f"{len(lines)}:{hashlib.sha256(json.dumps(lines).encode()).hexdigest()[:12]}"


def innermost(traceback: str) -> str:
    """Where an error came from and what it says, without the calls that led there."""
    lines = [line.strip() for line in traceback.strip().splitlines() if line.strip(" ~^")]
    return "\n".join(lines[-5:])[:800]
