"""Stores that are like S3, but not quite, and what answers in place of one."""

from __future__ import annotations

import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ftc.sharded.dataset import ShardedDataset
from ftc.sharded.errors import DataError, Unreachable
from shards import everything, opened

LINES = b"".join(b'{"n": %d}\n' % n for n in range(20))
LIST = (
    "<ListBucketResult><Name>shards</Name>{more}<Contents><Key>p/a.jsonl</Key><Size>{size}</Size>"
    "<ETag>&quot;{tag}&quot;</ETag></Contents></ListBucketResult>"
)
PAGE = "<html><head><title>Welcome</title></head><body>to the guest network</body></html>"


class Store(ThreadingHTTPServer):
    """`odd` says in which way it is. `certificate`: a folder with one, for https."""

    def __init__(self, odd: str, certificate: Path | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.odd = odd
        self.tag = "one"
        self.url = f"{'http' if certificate is None else 'https'}://127.0.0.1:{self.server_address[1]}"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
            self.socket = context.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    server: Store

    def log_message(self, *_: object) -> None:
        pass

    def answer(self, status: int, body: str | bytes, kind: str = "application/xml", **headers: str) -> None:
        data = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        odd = self.server.odd
        lists = "list-type" in self.path
        if odd == "page":
            return self.answer(200, PAGE, "text/html; charset=utf-8")
        if odd == "doctype":
            return self.answer(200, f"<!DOCTYPE html>\n{PAGE}<br>", "text/html")
        if odd == "missing page":
            return self.answer(404, PAGE, "text/html")
        if odd == "login":
            return self.answer(302, "", "text/html", Location="http://login.guest/")
        if odd == "json":
            return self.answer(200, '{"ok": true}', "application/json")
        if odd == "feed" and lists:
            return self.answer(200, "<rss><channel/></rss>")
        if odd == "gateway":
            return self.answer(502, PAGE, "text/html")
        if odd == "no lists" and lists:
            return self.answer(501, "<Error><Code>NotImplemented</Code><Message>no</Message></Error>")
        if lists:
            more = "" if odd == "short list" else "<IsTruncated>false</IsTruncated>"
            return self.answer(200, LIST.format(size=len(LINES), more=more, tag="one"))
        if "a.jsonl" not in self.path:
            return self.answer(404, "<Error><Code>NoSuchKey</Code><Message>no</Message></Error>")
        if odd in ("no conditions", "replaced") and "If-Match" in self.headers:
            return self.answer(501, "<Error><Code>NotImplemented</Code><Message>If-Match</Message></Error>")
        return self.answer(200, LINES, "text/html" if odd == "object type" else "binary/octet-stream", ETag=f'"{self.server.tag}"')


@pytest.fixture(autouse=True)
def _login(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "me")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "mine")


@pytest.fixture
def certificate(tmp_path: Path) -> Iterator[Path]:
    made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-days", "2"]
    named = ["-subj", "/CN=store", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(["openssl", *made, *named], cwd=tmp_path, check=True, capture_output=True)
    yield tmp_path


@pytest.mark.parametrize("odd", ["", "short list", "no conditions", "object type"])
def test_what_a_store_lacks_is_not_needed(odd: str, tmp_path: Path) -> None:
    assert everything(opened("p", tmp_path, Store(odd).url)) == list(range(20))


def test_a_shard_that_was_replaced_is_noticed_without_conditions(tmp_path: Path) -> None:
    store = Store("replaced")
    store.tag = "another"
    with pytest.raises(DataError, match="a.jsonl cannot be read: it was replaced since training began"):
        opened("p", tmp_path, store.url)


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        ("page", r"a web page answers there, not an S3 store \(status 200\)"),
        ("doctype", "a web page answers there, not an S3 store"),
        ("missing page", r"a web page answers there, not an S3 store \(status 404\)"),
        ("login", "a web page answers there, not an S3 store .it sends elsewhere: 'http://login.guest/'"),
        ("json", "what answers there is not an S3 store"),
        ("feed", "what answers there is not an S3 store, for this is no list of objects"),
        ("no lists", r"this store does not implement what was asked of it \(NotImplemented\)"),
    ],
)
def test_what_is_no_store_is_named_at_once(odd: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=reason):
        ShardedDataset("s3://shards/p", endpoint=Store(odd).url, cache_dir=tmp_path, patience=60.0)


def test_a_gateway_that_fails_is_waited_for(tmp_path: Path) -> None:
    with pytest.raises(Unreachable):
        ShardedDataset("s3://shards/p", endpoint=Store("gateway").url, cache_dir=tmp_path, patience=0.3)


def test_a_certificate_of_its_own_is_named_and_can_be_trusted(
    certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store("", certificate)
    with pytest.raises(DataError, match=r"its certificate is not trusted \(self.signed.*\); data.s3.caBundle"):
        opened("p", tmp_path, store.url)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate / "cert.pem"))
    assert everything(opened("p", tmp_path, store.url)) == list(range(20))


def test_no_tls_is_told_from_a_certificate(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="it does not speak TLS: the endpoint may be http://"):
        opened("p", tmp_path, Store("").url.replace("http:", "https:"))
