"""Who may call: AWS Signature Version 4, verified for real, or a bearer token."""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from app.local.emulator.faults import BedrockFault

ALGORITHM = "AWS4-HMAC-SHA256"
SERVICE = "bedrock"
SKEW = timedelta(minutes=5)
TIMESTAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class Received:
    """The parts of a request that a signature covers."""

    method: str
    target: str
    """Path and query as they stood in the request line, still percent-encoded."""
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the emulator accepts; a session token that is None is not asked for."""

    access_key: str
    secret_key: str
    session_token: str | None
    bearer_token: str


class Authenticator:
    """Checks the `Authorization` header of every call."""

    def __init__(
        self, credentials: Credentials, *, region: str | None, now: Callable[[], datetime]
    ) -> None:
        """`region`: the only one that may be signed for; None takes any."""
        self._credentials = credentials
        self._region = region
        self._now = now
        self._keys: dict[tuple[str, str, str], bytes] = {}

    def check(self, request: Received) -> None:
        """Raises `BedrockFault` (403) unless the request is signed or bears the token."""
        authorization = request.headers.get("authorization", "")
        scheme, _, rest = authorization.partition(" ")
        if scheme == "Bearer":
            self._check_bearer(rest.strip())
        elif scheme == ALGORITHM:
            self._check_signature(request, _fields(rest))
        else:
            raise BedrockFault("MissingAuthenticationTokenException")

    def _check_bearer(self, token: str) -> None:
        if not hmac.compare_digest(token.encode(), self._credentials.bearer_token.encode()):
            raise BedrockFault(
                "AccessDeniedException",
                "Authentication failed: Please make sure your API Key is valid.",
            )

    def _check_signature(self, request: Received, fields: Mapping[str, str]) -> None:
        access_key, day, region, service, ending = _scope(fields["Credential"])
        signed = fields["SignedHeaders"].split(";")
        self._check_identity(access_key, request.headers.get("x-amz-security-token"))
        self._check_scope(region, service, ending)
        _check_signed_headers(signed, request.headers)
        timestamp = request.headers.get("x-amz-date", "")
        self._check_time(timestamp, day)
        canonical = _canonical_request(request, signed)
        text = "\n".join(
            (ALGORITHM, timestamp, f"{day}/{region}/{service}/aws4_request", _sha256(canonical))
        )
        key = self._signing_key(day, region, service)
        if not hmac.compare_digest(_hmac(key, text).hex(), fields["Signature"]):
            raise BedrockFault("InvalidSignatureException")

    def _signing_key(self, day: str, region: str, service: str) -> bytes:
        scope = (day, region, service)
        if scope not in self._keys:
            self._keys = {scope: _signing_key(self._credentials.secret_key, *scope)}
        return self._keys[scope]

    def _check_identity(self, access_key: str, token: str | None) -> None:
        expected = self._credentials.session_token
        if access_key != self._credentials.access_key or expected not in (None, token):
            raise BedrockFault("UnrecognizedClientException")

    def _check_scope(self, region: str, service: str, ending: str) -> None:
        if service != SERVICE:
            raise _mismatch(f"Credential should be scoped to correct service: '{SERVICE}'. ")
        if self._region not in (None, region):
            raise _mismatch(f"Credential should be scoped to a valid region, not '{region}'. ")
        if ending != "aws4_request":
            raise _mismatch("Credential should be scoped with a valid terminator: 'aws4_request'.")

    def _check_time(self, timestamp: str, day: str) -> None:
        try:
            signed_at = datetime.strptime(timestamp, TIMESTAMP).replace(tzinfo=UTC)
        except ValueError:
            raise _incomplete("X-Amz-Date must be formatted as yyyyMMddTHHmmssZ.") from None
        if day != timestamp[:8]:
            raise _mismatch(f"Date in Credential scope does not match {timestamp[:8]}.")
        now = self._now()
        stamp = now.strftime(TIMESTAMP)
        if signed_at < now - SKEW:
            raise _mismatch(f"Signature expired: {timestamp} is now earlier than {stamp} - 5 min.")
        if signed_at > now + SKEW:
            raise _mismatch(
                f"Signature not yet current: {timestamp} is still later than {stamp} + 5 min."
            )


def _mismatch(message: str) -> BedrockFault:
    return BedrockFault("InvalidSignatureException", message)


def _incomplete(message: str) -> BedrockFault:
    return BedrockFault("IncompleteSignatureException", message)


def _fields(text: str) -> Mapping[str, str]:
    fields = dict(part.strip().partition("=")[::2] for part in text.split(","))
    for name in ("Credential", "SignedHeaders", "Signature"):
        if not fields.get(name):
            raise _incomplete(f"Authorization header requires '{name}' parameter.")
    return fields


def _scope(credential: str) -> tuple[str, str, str, str, str]:
    parts = credential.rsplit("/", 4)
    if len(parts) != 5:
        raise _incomplete("Credential must have exactly 5 slash-delimited elements.")
    return (parts[0], parts[1], parts[2], parts[3], parts[4])


SIGNED_PREFIXES = ("x-amz-", "x-amzn-bedrock-guardrail")
"""AWS asks it of the first; of the second so that a guardrail cannot be taken off on the way."""


def _check_signed_headers(signed: list[str], headers: Mapping[str, str]) -> None:
    needed = {"host", *(name for name in headers if name.startswith(SIGNED_PREFIXES))}
    missing = sorted(needed - set(signed)) + sorted(set(signed) - set(headers))
    if missing:
        raise _mismatch(
            f"'{missing[0]}' must be a 'SignedHeader' in the AWS Authorization, and be sent."
        )


def _canonical_request(request: Received, signed: list[str]) -> str:
    path, _, query = request.target.partition("?")
    lines = [f"{name}:{' '.join(request.headers[name].split())}" for name in signed]
    sent = request.headers.get("x-amz-content-sha256")
    actual = hashlib.sha256(request.body).hexdigest()
    if sent not in (None, actual, "UNSIGNED-PAYLOAD"):
        raise _mismatch("The provided 'x-amz-content-sha256' header does not match the payload.")
    return "\n".join(
        (
            request.method,
            # The path arrives encoded once; every service but S3 signs it encoded twice.
            quote(path, safe="/-_.~"),
            "&".join(sorted(pair if "=" in pair else f"{pair}=" for pair in query.split("&")))
            if query
            else "",
            "\n".join(lines),
            "",
            ";".join(signed),
            sent or actual,
        )
    )


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


def _signing_key(secret: str, day: str, region: str, service: str) -> bytes:
    key = _hmac(f"AWS4{secret}".encode(), day)
    for part in (region, service, "aws4_request"):
        key = _hmac(key, part)
    return key
