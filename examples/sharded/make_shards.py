"""Writes small shards to train on: points on two spirals, one JSON object a line. Needs nothing but Python.

    python3 make_shards.py                      into ./shards
    python3 make_shards.py DIR --shards 5       elsewhere, and fewer
"""

import argparse
import json
import math
import random
import sys
from pathlib import Path


def point(dice: random.Random) -> dict[str, object]:
    which, along = dice.randrange(2), dice.uniform(0.3, 2.5)
    angle = 4 * along + math.pi * which
    x = [along * math.cos(angle) + dice.gauss(0, 0.05), along * math.sin(angle) + dice.gauss(0, 0.05)]
    return {"x": [round(value, 4) for value in x], "spiral": which}


def write(path: Path, points: int) -> None:
    dice = random.Random(path.name)
    path.write_text("".join(f"{json.dumps(point(dice))}\n" for _ in range(points)))


def main() -> None:
    parser = argparse.ArgumentParser(description="Writes small shards to train on.", epilog="Example: python3 make_shards.py")
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parent / "shards")
    parser.add_argument("--shards", type=int, default=20, help="how many (default: 20)")
    parser.add_argument("--points", type=int, default=500, help="in each (default: 500)")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    for number in range(given.shards):
        write(given.folder / f"train-{number:03}.jsonl", given.points)
    write(given.folder / "test.jsonl", 1000)
    print(f"{given.shards} shards of {given.points} points, and one of 1000 to measure with: {given.folder}")


main()
