"""The digest of a run that nothing happens to, with one worker: what all other runs must end with."""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from bucket_server import BucketServer, Proxy  # noqa: E402
from cluster import Cluster  # noqa: E402
from shards import COUNTS, jsonl  # noqa: E402


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> str:
    with Cluster(tmp_path_factory.mktemp("undisturbed")) as cluster:
        cluster.begin("a")
        (digest,) = cluster.digests("a")
        return digest


@pytest.fixture(scope="session")
def bucket_server() -> Iterator[BucketServer]:
    server = BucketServer()
    yield server
    server.close()


@pytest.fixture
def bucket(bucket_server: BucketServer, monkeypatch: pytest.MonkeyPatch) -> BucketServer:
    """Logged in, with nothing else of this machine's AWS settings in sight."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "me",
        "AWS_SECRET_ACCESS_KEY": "mine",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }.items():
        monkeypatch.setenv(name, value)
    return bucket_server


@pytest.fixture
def proxy(bucket: BucketServer) -> Iterator[Proxy]:
    made = Proxy(bucket.port)
    yield made
    made.close()


@pytest.fixture
def prefix(bucket: BucketServer, tmp_path: Path) -> str:
    """In the bucket: shards that are in `tmp_path / "d"` too, and what is no shard."""
    name = uuid.uuid4().hex
    for path in sorted(jsonl(tmp_path / "d", *COUNTS).iterdir()):
        bucket.put(f"{name}/{path.name}", path.read_bytes())
    bucket.put(f"{name}/deeper/other.jsonl", b"1\n")
    bucket.put(f"{name}/README.md", b"no shard")
    return name


@pytest.fixture(scope="session")
def vectors() -> Path:
    return Path(os.environ.get("FTC_VECTORS") or Path(__file__).parents[3] / "test" / "vectors")
