"""Who is a member, and who is the master: what stands in the vectors, which the master's side reads too, and what is refused."""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ftc import ed25519, feed
from ftc.errors import FtcError
from ftc.membership_proof import FILE, Key, Meeting, read
from member_keys import MasterKey

VECTORS = json.loads((Path(__file__).parents[3] / "test" / "vectors" / "membership-proof.json").read_text())
WORKER = next(case for case in VECTORS["cases"] if case["meeting"]["role"] == "worker")
MEETING = Meeting(**{name: value for name, value in WORKER["meeting"].items() if name != "role"})


def key() -> Key:
    return Key(bytes.fromhex(WORKER["key"]["key"]), bytes.fromhex(WORKER["key"]["master"]))


def test_a_worker_proves_itself_as_the_vectors_say() -> None:
    assert key().proof(MEETING) == WORKER["hello"]
    for what in ("welcome", "refused"):
        assert key().is_master(what, MEETING, WORKER[what])
    assert {of: key().name(of) for of in VECTORS["names"]} == VECTORS["names"]
    peer = VECTORS["peer"]
    for side in ("client", "server"):
        proof = key().peer_proof(side, peer["job"], bytes.fromhex(peer["asked"]), bytes.fromhex(peer["answered"]))
        assert proof.hex() == peer[side]


@pytest.mark.parametrize("field", ["job", "id", "challenge", "nonce"])
def test_a_signature_is_for_one_meeting(field: str) -> None:
    other = replace(MEETING, **{field: getattr(MEETING, field)[:-1] + "e"})
    assert not key().is_master("welcome", other, WORKER["welcome"])
    assert key().proof(other) != WORKER["hello"]


def test_only_the_master_signs() -> None:
    for wrong in ("", WORKER["hello"], WORKER["refused"], WORKER["welcome"][2:], WORKER["welcome"].upper(), "0" * 128, "f" * 128):
        assert not key().is_master("welcome", MEETING, wrong)
    other = replace(key(), master=bytes.fromhex("ff" * 32))
    assert not other.is_master("welcome", MEETING, WORKER["welcome"])


def test_signatures_of_the_standard() -> None:
    """RFC 8032, section 7.1, tests 1 to 3."""
    for public, message, signature in (
        ("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "", "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"),
        ("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72", "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"),
        ("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82", "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"),
    ):
        raw = bytes.fromhex(signature)
        assert ed25519.verify(bytes.fromhex(public), bytes.fromhex(message), raw)
        assert not ed25519.verify(bytes.fromhex(public), bytes.fromhex(message) + b"x", raw)
        # The same number beyond the group's order: the standard refuses it, so that nobody makes a second signature of one.
        s = int.from_bytes(raw[32:], "little") + ed25519.L
        assert not ed25519.verify(bytes.fromhex(public), bytes.fromhex(message), raw[:32] + s.to_bytes(32, "little"))


def test_any_bit_that_differs_makes_a_signature_wrong(tmp_path: Path) -> None:
    master = MasterKey(tmp_path, seed=b"s" * 32)
    raw = bytearray(bytes.fromhex(master.sign("welcome", MEETING)))
    assert master.key.is_master("welcome", MEETING, raw.hex())
    for at in range(0, 512, 37):
        raw[at // 8] ^= 1 << at % 8
        assert not master.key.is_master("welcome", MEETING, raw.hex()), at
        raw[at // 8] ^= 1 << at % 8


def test_the_key_file_is_read_or_refused_by_name_and_never_shown(tmp_path: Path) -> None:
    assert read(tmp_path) is None
    master = MasterKey(tmp_path)
    found = read(tmp_path)
    assert found == master.key and master.own.hex() not in repr(found) and str(master.own) not in repr(found)
    path = tmp_path / FILE
    whole = json.loads(path.read_text())
    wrong: list[Any] = ["", "{", "[]", "x" * 5000, {**whole, "role": "supervisor"}, {**whole, "key": "ab"}, {**whole, "version": 2}, {}]
    for text in wrong:
        path.write_text(text if isinstance(text, str) else json.dumps(text))
        with pytest.raises(FtcError, match=re.escape(str(path))) as error:
            read(tmp_path)
        assert master.own.hex() not in str(error.value)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(FtcError, match="cannot be read"):
        read(tmp_path)


def test_two_workers_find_that_they_are() -> None:
    for a, b, fine in ((key(), key(), True), (key(), replace(key(), own=b"x" * 32), False)):
        ends = socket.socketpair()
        said: list[str] = []

        def answers(sock: socket.socket = ends[1], own: Key = b) -> None:
            try:
                feed.admit(sock, "j", own)
                said.append("let in")
            except OSError as error:
                said.append(str(error))
            sock.close()

        thread = threading.Thread(target=answers)
        thread.start()
        if fine:
            feed.greet(ends[0], "j", a)
        else:
            with pytest.raises(OSError, match="no worker of this job"):
                feed.greet(ends[0], "j", a)
        ends[0].close()
        thread.join()
        assert said == (["let in"] if fine else ["the connection ended"])


@pytest.mark.parametrize("attempt", ["nothing", "garbage", "the old greeting", "a reflection"])
def test_a_stranger_gets_no_state(attempt: str) -> None:
    subject = feed.Feed("j", 1, key)
    with socket.create_connection(("127.0.0.1", subject.port)) as sock:
        sock.settimeout(20)
        asked = secrets.token_bytes(32)
        if attempt == "nothing":
            sock.shutdown(socket.SHUT_WR)
        elif attempt == "garbage":
            sock.sendall(secrets.token_bytes(400))
        elif attempt == "the old greeting":
            sock.sendall(b"ftc state 1 j\n" + asked)
        else:
            sock.sendall(b"ftc state 2 j\n" + asked)
            answer = sock.recv(64, socket.MSG_WAITALL)
            sock.sendall(answer[32:])
        try:
            assert sock.recv(1) == b""
        except ConnectionResetError:
            pass
    assert subject._followers == []


def greeting() -> int:
    """Threads that wait for a proof."""
    return sum(thread.name == "ftc-feed-greet" for thread in threading.enumerate())


def test_many_strangers_leave_room_for_a_worker() -> None:
    before = greeting()
    subject = feed.Feed("j", 1, key)
    strangers = [socket.create_connection(("127.0.0.1", subject.port)) for _ in range(60)]
    # Those that are too many are closed at once, and the others' places are free when they are gone.
    assert greeting() <= before + feed.MOST_GREETING
    for sock in strangers:
        sock.close()
    for _ in range(100):
        with socket.create_connection(("127.0.0.1", subject.port)) as sock:
            try:
                feed.greet(sock, "j", key())
            except OSError:
                continue
            with subject._changed:
                assert subject._changed.wait_for(lambda: len(subject._followers) > 0, 20)
            return
    raise AssertionError("no worker got in")
