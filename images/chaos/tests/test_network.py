"""What is told to iptables and tc, and what is read from them and from the kernel's packet queue."""

import struct

import pytest
from ftc_chaos import filter as packets
from ftc_chaos.filter import Filter, chain_of
from ftc_chaos.nfqueue import attribute, header_of, message, messages
from ftc_chaos.shape import FIRST, LAST, handle_of, is_ours, root_of

SPEC = {"id": "ab12cd-3", "directions": ["to", "from"], "match": [], "peers": None}


def test_a_chain_has_a_name_of_its_own_that_the_kernel_takes() -> None:
    names = {chain_of(fault, direction) for fault in ("ab12cd-1", "ab12cd-12345") for direction in ("to", "from")}
    assert len(names) == 4
    assert max(map(len, names)) <= 28


def test_everybody_is_cut_off_but_oneself() -> None:
    everybody = Filter(SPEC)
    assert everybody.rules("to") == ["! -o lo -j DROP"]
    assert everybody.rules("from") == ["! -i lo -j DROP"]


def test_peers_are_cut_off_by_address_and_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"a": ["10.0.0.2"], "b": ["10.0.0.3"]}
    monkeypatch.setattr(packets, "addresses_of", lambda name: known.get(name, []))
    some = Filter({**SPEC, "match": ["-m", "statistic"], "peers": ["a", "b"]})
    some.addresses = some.resolve()
    assert some.rules("to") == [f"-d 10.0.0.{n} ! -o lo -m statistic -j DROP" for n in (2, 3)]
    assert some.rules("from")[0] == "-s 10.0.0.2 ! -i lo -m statistic -j DROP"
    known["b"] = []  # away: its last address stays
    assert some.resolve() == ["10.0.0.2", "10.0.0.3"]
    known["b"] = ["10.0.0.9"]  # back, under another one
    assert some.resolve() == ["10.0.0.2", "10.0.0.9"]


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        ("qdisc noqueue 0: root refcnt 2 \n", None),
        ("qdisc mq 0: root \nqdisc fq_codel 0: parent :2 limit 10240p\n", None),
        ("", None),
        (
            "qdisc tbf 8001: root refcnt 2 rate 1Mbit burst 4Kb lat 400ms \n",
            ["handle", "8001:", "tbf", "rate", "1Mbit", "burst", "4Kb", "lat", "400ms"],
        ),
        ("qdisc netem 1a2b: root refcnt 2 limit 1000 delay 50ms\n", ["handle", "1a2b:", "netem", "limit", "1000", "delay", "50ms"]),
    ],
)
def test_what_was_there_can_be_said_again(shown: str, words: list[str] | None) -> None:
    assert root_of(shown) == words


def test_handles_tell_ours_from_others() -> None:
    handles = {handle_of(f"{run}-{n}") for run in ("000001", "ab12cd", "ffffff") for n in range(1, 30)}
    assert len(handles) > 80
    assert all(is_ours(f"{handle}:") for handle in handles)
    assert not is_ours("8001:") and not is_ours("0:") and not is_ours("1:")
    assert 0 < FIRST < LAST <= 0x8001


def test_netlink_messages_are_read_as_they_are_written() -> None:
    header = struct.pack(">IHB", 77, 0x0800, 3)
    body = attribute(9, b"odd") + attribute(1, header)
    data = message(0x300, 1, 5, body) + message(0x301, 1, 5, b"")
    found = list(messages(data))
    assert [kind for kind, _ in found] == [0x300, 0x301]
    assert header_of(found[0][1]) == (77, 3)
    assert len(attribute(1, b"odd")) % 4 == 0
    with pytest.raises(ValueError):
        header_of(found[1][1])
