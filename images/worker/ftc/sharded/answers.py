"""What a server's answers, and boto3's errors, mean: whether a store answers at all, and whether another try can help."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PASSING = {"SlowDown", "RequestTimeout", "InternalError", "ServiceUnavailable", "Throttling", "ThrottlingException"}
"""S3's errors that are worth another try, beside those of the server (status 500 and above)."""

HELPLESS = {
    "NoCredentialsError": "no credentials: give the job file's data.s3.credentials, AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY in its environment, or anonymous=True for a public bucket",
    "PartialCredentialsError": "only a part of the credentials is there: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are needed",
}
"""What to do about errors that boto3 raises before it asks anybody."""

PAGE = "a web page answers there, not an S3 store"


def hopeless(error: Exception) -> str | None:
    """What is wrong, where no try will mend it; None where one may."""
    kind = type(error).__name__
    if kind in HELPLESS:
        return HELPLESS[kind]
    if kind == "SSLError":
        return _untrusted(str(error))
    code, status = _code(error), _status(error)
    if kind == "ResponseParserError":
        return "what answers there is not an S3 store: its answer cannot be read"
    if status == 412 or code == "PreconditionFailed":
        return "it was replaced since training began"
    if code in ("NoSuchKey", "NoSuchBucket"):
        return "it is not there" if code == "NoSuchKey" else "there is no such bucket"
    if lacking(error):
        return f"this store does not implement what was asked of it ({code or status})"
    if code and code not in PASSING and 300 <= status < 500 and status not in (408, 429):
        return f"it was refused ({code})"
    if "Invalid header value" in str(error):
        return "a credential has a line break or a blank in it or behind it, which cannot be sent"
    if kind in ("ParamValidationError", "ProfileNotFound", "ConfigParseError", "InvalidConfigError"):
        return str(error)
    return None


def not_s3(status: int, headers: Mapping[str, str], body: bytes, an_object: bool) -> str | None:
    """What answers instead of a store; None where it may be one. `headers` with names in lower case.

    `an_object`: this is what an object holds, which may be a page: then headers tell that a store gave it.
    """
    store = any(name.startswith("x-amz-") for name in headers) or (an_object and "etag" in headers)
    start = body[:4096].lstrip().lower()
    if status >= 500:
        return None
    if 300 <= status < 400 and "location" in headers and not store and b"<error" not in start:
        return f"{PAGE} (it sends elsewhere: {headers['location'][:100]!r})"
    typed = headers.get("content-type", "").lower().startswith(("text/html", "application/xhtml"))
    if start.startswith((b"<!doctype html", b"<html")) or (typed and (not store if an_object and status < 300 else status >= 300 and start and b"<error" not in start)):
        return f"{PAGE} (status {status})"
    if an_object or status >= 300 or not start or b"<listbucketresult" in start or b"<error" in start:
        return None
    return f"what answers there is not an S3 store, for this is no list of objects (status {status})"


def lacking(error: Exception) -> bool:
    """The store has no such thing, whoever asks, and however often."""
    return _status(error) in (405, 501) or _code(error) == "NotImplemented"


def missing(error: Exception) -> bool:
    """The store has no such object."""
    return _code(error) in ("NoSuchKey", "404")


def _code(error: Exception) -> str:
    return str(_answer(error).get("Error", {}).get("Code", ""))


def _status(error: Exception) -> int:
    return int(_answer(error).get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _answer(error: Exception) -> dict[str, Any]:
    """What the server said; nothing where none came."""
    said = getattr(error, "response", None)
    return said if isinstance(said, dict) else {}


def _untrusted(said: str) -> str | None:
    """Of a connection that did not come about. One that was broken off may come about next time."""
    if "CERTIFICATE_VERIFY_FAILED" in said:
        why = said.rsplit("certificate verify failed:", 1)[-1].split("(_ssl")[0].strip()
        return f"its certificate is not trusted ({why}); data.s3.caBundle in the job file names a file with its authority"
    if any(word in said for word in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG")):
        return "it does not speak TLS: the endpoint may be http:// and not https://"
    return None
