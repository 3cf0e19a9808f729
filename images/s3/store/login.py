"""Lets in who signs with the one key that there is, and answers all others as S3 does."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable
from typing import Any

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


class Login:
    """`credentials` None lets nobody in."""

    def __init__(self, credentials: Credentials | None, inside: Application) -> None:
        self._credentials = credentials
        self._inside = inside

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        refusal = self._refusal(environ)
        if refusal is None:
            return self._inside(environ, start)
        code, message = refusal
        body = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'.encode()
        # The request's body stays unread.
        headers = [("Content-Type", "application/xml"), ("Content-Length", str(len(body))), ("Connection", "close")]
        start("403 Forbidden", headers)
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]

    def _refusal(self, environ: dict[str, Any]) -> tuple[str, str] | None:
        fields = dict(
            part.strip().split("=", 1)
            for part in environ.get("HTTP_AUTHORIZATION", "").removeprefix("AWS4-HMAC-SHA256").split(",")
            if "=" in part
        )
        scope = fields.get("Credential", "").split("/")
        if len(scope) != 5 or "Signature" not in fields:
            return "AccessDenied", "Access Denied"
        if self._credentials is None or not _equal(scope[0], self._credentials.access_key):
            return "InvalidAccessKeyId", "The access key does not exist in our records."
        expected = self._signature(environ, scope[2], fields.get("SignedHeaders", "").split(";"))
        if not _equal(fields["Signature"], expected):
            return "SignatureDoesNotMatch", "The signature does not match what was signed with this key."
        return None

    def _signature(self, environ: dict[str, Any], region: str, signed: list[str]) -> str:
        assert self._credentials is not None
        url = f"http://{environ['HTTP_HOST']}{environ['RAW_URI']}"
        request = AWSRequest(environ["REQUEST_METHOD"], url, {name: _header(environ, name) for name in signed})
        request.context["timestamp"] = _header(environ, "x-amz-date")
        auth = S3SigV4Auth(Credentials(self._credentials.access_key, self._credentials.secret_key), "s3", region)
        canonical = auth.canonical_request(request)
        return str(auth.signature(auth.string_to_sign(request, canonical), request))


def _header(environ: dict[str, Any], name: str) -> str:
    key = name.upper().replace("-", "_")
    return str(environ.get(key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}", ""))


def _equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
