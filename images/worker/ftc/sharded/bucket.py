"""Shards in an S3 bucket. boto3 is loaded with the first use."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeVar

from .answers import hopeless, lacking, missing, not_s3
from .errors import DataError
from .lines import CHUNK
from .names import depth
from .patience import Patience
from .places import Entry
from ..visible import visible

CONNECT, SILENT = 5.0, 20.0
"""Seconds: for a connection, and without a byte, before a try counts as failed."""

CUT = "the connection ended before all had come"

T = TypeVar("T")


class Bucket:
    """`patience` in seconds: how long an unreachable bucket is asked again."""

    def __init__(
        self, url: str, *, endpoint: str | None, region: str | None, anonymous: bool, patience: float
    ) -> None:
        bucket, prefix = split(url)
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self.url = f"s3://{bucket}/{prefix}".rstrip("/")
        self._patience = patience
        self._conditional = True
        self._client, self._session = _client(endpoint, region, anonymous)
        for operation in ("ListObjectsV2", "GetObject"):
            self._client.meta.events.register(f"needs-retry.s3.{operation}", self._look)

    def entries(self, pattern: str | None) -> list[Entry]:
        deep = depth(pattern) > 0
        found: list[Entry] = []
        page: dict[str, Any] = {"IsTruncated": True}
        while page["IsTruncated"]:
            page = self._try(self.url, partial(self._page, page.get("NextContinuationToken"), deep))
            for item in page.get("Contents", ()):
                name = item["Key"][len(self._prefix) :]
                if name and not name.endswith("/"):
                    found.append(Entry(name, int(item["Size"]), item["ETag"]))
        return found

    def small(self, name: str) -> bytes | None:
        def get() -> bytes | None:
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)
                text: bytes = answer["Body"].read()
                if len(text) != answer.get("ContentLength"):
                    raise ConnectionError(CUT)
                return text
            except Exception as error:
                if missing(error):
                    return None
                raise

        return self._try(f"{self.url}/{name}", get)

    def stream(self, entry: Entry, patience: Patience) -> Iterator[bytes]:
        """Goes on where a connection broke off."""
        what = f"{self.url}/{entry.name}"
        at = 0
        while at < entry.bytes:
            reason = ""
            try:
                for chunk in self._from(entry, at):
                    at += len(chunk)
                    patience.progressed()
                    yield chunk
            except Exception as error:
                reason = self._reason(error, what)
            if at < entry.bytes:
                patience.failed(reason or CUT)

    def _from(self, entry: Entry, at: int) -> Iterator[bytes]:
        where = {"Range": f"bytes={at}-"} if at else {}
        answer = self._get(entry, where)
        if answer.get("ETag", entry.tag).strip('"') != entry.tag.strip('"'):
            raise DataError(f"{self.url}/{entry.name} cannot be read: it was replaced since training began")
        if at and not str(answer.get("ContentRange", "")).startswith(f"bytes {at}-"):
            raise DataError(f"{self.url} does not serve parts of objects, so that a broken download cannot go on")
        with answer["Body"] as body:
            while chunk := body.read(CHUNK):
                yield chunk

    def _get(self, entry: Entry, where: dict[str, str]) -> dict[str, Any]:
        condition = {"IfMatch": entry.tag} if self._conditional else {}
        try:
            answer: dict[str, Any] = self._client.get_object(Bucket=self._bucket, Key=self._prefix + entry.name, **condition, **where)
            return answer
        except Exception as error:
            if not condition or not lacking(error):
                raise
        self._conditional = False  # not every store knows it, and the answer's own tag tells the same
        return self._get(entry, where)

    def _look(self, response: tuple[Any, Any] | None, event_name: str, **_: object) -> None:
        """At an answer as it came: boto3 makes a failure of the server's out of a page. Raises DataError where it is no store's."""
        if response is None:
            return
        came, an_object = response[0], event_name.endswith(".GetObject")
        headers = {name.lower(): value for name, value in came.headers.items()}
        status = int(getattr(came.raw, "status", came.status_code))  # as it was sent
        other = not_s3(status, headers, b"" if an_object else came.content, an_object)
        if other is not None:
            raise DataError(f"{self.url} cannot be read: {other}")

    def _page(self, token: str | None, deep: bool) -> dict[str, Any]:
        more = {"ContinuationToken": token} if token else {}
        flat = {} if deep else {"Delimiter": "/"}
        answer: dict[str, Any] = self._client.list_objects_v2(Bucket=self._bucket, Prefix=self._prefix, **flat, **more)
        if not answer.keys() & {"IsTruncated", "Name", "KeyCount", "Contents"}:
            raise ConnectionError(CUT)  # cut off among its headers, an answer passes for an empty one
        return {"IsTruncated": False, **answer}

    def _try(self, what: str, act: Callable[[], T]) -> T:
        patience = Patience(what, self._patience)
        while True:
            try:
                result = act()
                patience.progressed()
                return result
            except Exception as error:
                reason = self._reason(error, what)
            patience.failed(reason)

    def _reason(self, error: Exception, what: str) -> str:
        """Why it failed this time. Raises DataError where another try would fail the same way."""
        if isinstance(error, DataError):
            raise error
        final = hopeless(error)
        if final is not None:
            raise DataError(f"{what} cannot be read: {self._hide(final)}") from None
        return self._hide(str(error)) or type(error).__name__

    def _hide(self, text: str) -> str:
        """Without the credentials, which boto3 shows in a header that it cannot send, and safe to print."""
        try:
            known = self._session.get_credentials()
            secrets = () if known is None else known.get_frozen_credentials()
        except Exception:
            secrets = ()
        for secret in (part.strip() for part in secrets if part):
            if len(secret) > 3:
                text = text.replace(secret, "***")
        return visible(re.sub(r"(?i)(signature|credential)=[^\s,']+", r"\1=***", text))


def split(url: str) -> tuple[str, str]:
    """Bucket and prefix of `s3://bucket/prefix`. Raises DataError."""
    match = re.fullmatch(r"s3://([A-Za-z0-9][A-Za-z0-9._-]{1,62})(?:/+(.*?))?/*", url)
    if match is None:
        raise DataError(f"{url!r} is no address of shards: s3://bucket/prefix is one")
    return match[1], match[2] or ""


def _client(endpoint: str | None, region: str | None, anonymous: bool) -> tuple[Any, Any]:
    """The client, and the session that knows what it logs in with."""
    try:
        boto3: Any = importlib.import_module("boto3")
        botocore: Any = importlib.import_module("botocore")
        config: Any = importlib.import_module("botocore.config")
    except ImportError:
        raise DataError("reading from S3 needs boto3, which this image lacks: apt-get install python3-boto3, or pip install boto3") from None
    session = boto3.session.Session()
    settings = config.Config(
        signature_version=botocore.UNSIGNED if anonymous else None,
        connect_timeout=CONNECT,
        read_timeout=SILENT,
        retries={"total_max_attempts": 1},  # ours go on for longer, and say so
        s3={"addressing_style": "path" if endpoint else "auto"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    try:
        client = session.client(
            "s3", endpoint_url=endpoint, region_name=region or session.region_name or "us-east-1", config=settings
        )
        return client, session
    except ValueError as error:
        raise DataError(f"the S3 endpoint {endpoint!r} cannot be used: {error}") from None
