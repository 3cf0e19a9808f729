"""What this kernel can do, tried in a network namespace of our own."""

from __future__ import annotations

import subprocess

from .act import Spec, run, succeeds

TRIES = {
    "tbf": ["tc", "qdisc", "replace", "dev", "lo", "root", "tbf", "rate", "1gbit", "burst", "1m", "latency", "50ms"],
    "netem": ["tc", "qdisc", "replace", "dev", "lo", "root", "netem", "delay", "1ms"],
    "filter": ["iptables", "-w", "-A", "FTC-PROBE", "-j", "DROP"],
    "statistic": ["iptables", "-w", "-A", "FTC-PROBE", "-m", "statistic", "--mode", "random", "--probability", "0.5", "-j", "DROP"],
    "queue": ["iptables", "-w", "-A", "FTC-PROBE", "-j", "NFQUEUE", "--queue-num", "9", "--queue-bypass"],
}


class Probe:
    def __init__(self, spec: Spec) -> None:
        pass

    def look(self) -> Spec:
        succeeds("iptables", "-w", "-N", "FTC-PROBE")
        return {name: refusal(command) for name, command in TRIES.items()}

    def apply(self, go: Spec) -> Spec:
        return {}

    def hold(self, seconds: float) -> None:
        pass

    def revert(self) -> None:
        run("true")


def refusal(command: list[str]) -> str | None:
    """What it says where it cannot; None where it can."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else (done.stderr or done.stdout).strip().splitlines()[0]
