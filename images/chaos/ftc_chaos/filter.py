"""Packets that are dropped, by iptables, in two chains of our own: one for what comes in, one for what goes out."""

from __future__ import annotations

import socket
import time

from .act import Absent, Spec, run, succeeds

LOOK_AGAIN = 0.5
"""Seconds: a peer that starts again has another address."""

HOOKS = {"from": "INPUT", "to": "OUTPUT"}


class Filter:
    """`id`, `directions` (`to`, `from`), `match` (words before the verdict), `peers`: names, or null for everybody."""

    def __init__(self, spec: Spec) -> None:
        self.id = str(spec["id"])
        self.directions = [str(d) for d in spec["directions"]]
        self.match = [str(word) for word in spec["match"]]
        self.peers: list[str] | None = spec["peers"]
        self.addresses: list[str] = []

    def look(self) -> Spec:
        run("iptables", "-w", "-S", "INPUT")
        addresses = self.resolve()
        if self.peers is not None and not addresses:
            raise Absent(f"none of {', '.join(self.peers)} has an address")
        return {"addresses": addresses}

    def apply(self, go: Spec) -> Spec:
        self.addresses = self.resolve()
        self.restore()
        for direction in self.directions:
            run("iptables", "-w", "-I", HOOKS[direction], "1", *self.jump(direction))
        return {"addresses": self.addresses}

    def hold(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, LOOK_AGAIN))
            found = self.resolve()
            if found != self.addresses:
                self.addresses = found
                self.restore()

    def revert(self) -> None:
        for direction in HOOKS:
            while succeeds("iptables", "-w", "-D", HOOKS[direction], *self.jump(direction)):
                pass
            chain = self.chain(direction)
            if succeeds("iptables", "-w", "-F", chain):
                run("iptables", "-w", "-X", chain)

    def chain(self, direction: str) -> str:
        return chain_of(self.id, direction)

    def jump(self, direction: str) -> list[str]:
        return ["-m", "comment", "--comment", f"ftc chaos {self.id}", "-j", self.chain(direction)]

    def restore(self) -> None:
        """Replaces what the chains say, in one step."""
        lines = ["*filter"]
        for direction in self.directions:
            lines.append(f":{self.chain(direction)} - [0:0]")
            lines += [f"-A {self.chain(direction)} {rule}" for rule in self.rules(direction)]
        run("iptables-restore", "-w", "--noflush", stdin="\n".join([*lines, "COMMIT", ""]))

    def rules(self, direction: str) -> list[str]:
        # Through its loopback a container talks to itself, and looks up names.
        side, peer = ("i", "s") if direction == "from" else ("o", "d")
        end = " ".join([f"! -{side} lo", *self.match, "-j", "DROP"])
        return [end] if self.peers is None else [f"-{peer} {address} {end}" for address in self.addresses]

    def resolve(self) -> list[str]:
        """The peers' addresses; of one that is away, the last that was known."""
        if self.peers is None:
            return []
        found = {address for name in self.peers for address in addresses_of(name)}
        gone = [a for a in self.addresses if a not in found]
        return sorted(found) + (gone if len(found) < len(self.peers) else [])


def chain_of(fault: str, direction: str) -> str:
    """At most 28 characters, as the kernel wants it."""
    return f"FTC-{fault}-{direction}".upper()[:28]


def addresses_of(name: str) -> list[str]:
    try:
        return sorted({str(info[4][0]) for info in socket.getaddrinfo(name, None, socket.AF_INET)})
    except OSError:
        return []
