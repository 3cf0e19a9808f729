"""The digest of a run that nothing happens to, with one worker: what all other runs must end with."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from cluster import Cluster  # noqa: E402


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> str:
    with Cluster(tmp_path_factory.mktemp("undisturbed")) as cluster:
        cluster.begin("a")
        (digest,) = cluster.digests("a")
        return digest


@pytest.fixture(scope="session")
def vectors() -> Path:
    return Path(os.environ.get("FTC_VECTORS") or Path(__file__).parents[3] / "test" / "vectors")
