"""Every packet is held for a while: by netem where the kernel has it, or else one by one in the kernel's packet queue.

Both act on connections that are there already. In the queue, packets of one direction keep their order.
"""

from __future__ import annotations

import heapq
import random
import select
import time
import zlib

from .act import Cannot, Spec, run, succeeds
from .filter import HOOKS, chain_of
from .nfqueue import PacketQueue
from .shape import Shape

INPUT_HOOK = 1


class Delay:
    """`id`, `directions`, `delay_ms`, `jitter_ms`, `seed`; `by`: `netem`, `queue`, or null for the first that there is."""

    def __init__(self, spec: Spec) -> None:
        self.id = str(spec["id"])
        self.directions = [str(d) for d in spec["directions"]]
        self.delay, self.jitter = float(spec["delay_ms"]) / 1000, float(spec["jitter_ms"]) / 1000
        self.by: str | None = spec.get("by")
        netem = ["netem", "delay", f"{spec['delay_ms']}ms", f"{spec['jitter_ms']}ms"]
        self.shape = Shape({**spec, "qdisc": netem})
        self.random = random.Random(int(spec["seed"]))
        self.queue: PacketQueue | None = None

    def look(self) -> Spec:
        return self.shape.look()

    def apply(self, go: Spec) -> Spec:
        # netem shapes what goes out, and nothing else.
        if self.by != "queue" and self.directions == ["to"]:
            try:
                self.shape.apply(go)
                return {"by": "netem"}
            except Cannot:
                if self.by == "netem":
                    raise
        number = zlib.crc32(self.id.encode()) & 0xFFFF
        self.queue = PacketQueue(number)
        for direction in self.directions:
            chain, side = chain_of(self.id, direction), "i" if direction == "from" else "o"
            run("iptables", "-w", "-N", chain)
            # Should this process die, everything passes.
            queue = ["NFQUEUE", "--queue-num", str(number), "--queue-bypass"]
            run("iptables", "-w", "-A", chain, "!", f"-{side}", "lo", "-j", *queue)
            run("iptables", "-w", "-I", HOOKS[direction], "1", *self.jump(direction))
        return {"by": "queue"}

    def hold(self, seconds: float) -> None:
        if self.queue is None:
            time.sleep(seconds)
        else:
            self.serve(self.queue, time.monotonic() + seconds)

    def serve(self, queue: PacketQueue, until: float) -> None:
        """Hands on each packet when its time has come; in the end all that still wait."""
        waiting: list[tuple[float, int]] = []
        last = {INPUT_HOOK: 0.0}
        try:
            while (now := time.monotonic()) < until:
                while waiting and waiting[0][0] <= now:
                    queue.accept(heapq.heappop(waiting)[1])
                soonest = waiting[0][0] if waiting else until
                select.select([queue], [], [], max(0.0, min(soonest, until) - now))
                for packet, hook in queue.packets():
                    due = max(last.get(hook, 0.0), time.monotonic() + self.length())
                    last[hook] = due
                    heapq.heappush(waiting, (due, packet))
        finally:
            self.take_away()
            for packet, _ in queue.packets():
                heapq.heappush(waiting, (until, packet))
            while waiting:
                queue.accept(heapq.heappop(waiting)[1])
            queue.close()

    def length(self) -> float:
        return max(0.0, self.delay + self.random.uniform(-self.jitter, self.jitter))

    def revert(self) -> None:
        self.take_away()
        self.shape.revert()

    def take_away(self) -> None:
        for direction in HOOKS:
            while succeeds("iptables", "-w", "-D", HOOKS[direction], *self.jump(direction)):
                pass
            chain = chain_of(self.id, direction)
            if succeeds("iptables", "-w", "-F", chain):
                run("iptables", "-w", "-X", chain)

    def jump(self, direction: str) -> list[str]:
        return ["-m", "comment", "--comment", f"ftc chaos {self.id}", "-j", chain_of(self.id, direction)]
