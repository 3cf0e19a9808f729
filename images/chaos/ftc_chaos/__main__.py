"""One act: `python3 -m ftc_chaos apply|revert|look '{"act": "filter", …}'`.

`apply` prints what there is before, as `{"before": …}`, and waits for a line, an object that says go; whoever started this
writes down in between how to undo it. Then it does it, prints `{"ready": …}`, holds it for `seconds`, undoes it and ends. SIGTERM
ends it sooner. Null for `seconds`: it is done and left. What cannot be done is told as `{"cannot": "why"}`, with exit code 3, and
what is not there at the moment as `{"absent": "what"}`, with 4.
"""

from __future__ import annotations

import json
import select
import signal
import sys
from types import FrameType

from .act import Absent, Act, Cannot, Spec
from .bitflip import Bitflip
from .damage import Damage
from .delay import Delay
from .fill import Fill
from .filter import Filter
from .probe import Probe
from .shape import Shape
from .storm import Storm

ACTS: dict[str, type] = {
    "filter": Filter,
    "shape": Shape,
    "delay": Delay,
    "fill": Fill,
    "storm": Storm,
    "damage": Damage,
    "bitflip": Bitflip,
    "probe": Probe,
}

GO_SECONDS = 30.0
"""Whoever asked has died if it says nothing for so long."""


class Ended(Exception):
    """SIGTERM."""


def say(**line: object) -> None:
    print(json.dumps(line), flush=True)


def end(_signal: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what is being put right is put right to the end
    raise Ended


def main(verb: str, text: str) -> int:
    signal.signal(signal.SIGTERM, end)
    spec: Spec = json.loads(text)
    try:
        act: Act = ACTS[spec["act"]](spec)
        if verb == "revert":
            act.revert()
            say(done=True)
        elif verb == "look":
            say(before=act.look())
        else:
            apply(act, spec)
    except Cannot as error:
        say(cannot=str(error))
        return 3
    except Absent as error:
        say(absent=str(error))
        return 4
    except Ended:
        pass
    return 0


def apply(act: Act, spec: Spec) -> None:
    say(before=act.look())
    go = wait_for_go()
    if go is None:
        return
    seconds = spec["seconds"]
    try:
        say(ready=act.apply(go))
        if seconds is not None:
            act.hold(float(seconds))
    except BaseException:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        act.revert()
        raise
    if seconds is not None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        act.revert()


def wait_for_go() -> Spec | None:
    """None: nobody wants it any more."""
    if not select.select([sys.stdin], [], [], GO_SECONDS)[0]:
        return None
    line = sys.stdin.readline()
    return json.loads(line) if line.strip() else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
