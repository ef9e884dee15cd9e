"""What two servers may read in two ways is read in none: no request hides within another."""

import json

import pytest

from tests.hostile.wire import AGAIN, answers
from tests.support.stack import Stack

POST = b"POST /v1/messages HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"

AMBIGUOUS = {
    "a length, then chunks": POST
    + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
    + END,
    "chunks, then a length": POST
    + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n"
    + END,
    "two lengths": POST + b"Content-Length: 0\r\nContent-Length: 5\r\n\r\n",
    "one length twice": POST + b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n",
    "a list of lengths": POST + b"Content-Length: 0, 0\r\n\r\n",
    "a length with a sign": POST + b"Content-Length: +0\r\n\r\n",
    "a length below zero": POST + b"Content-Length: -1\r\n\r\n",
    "a length in hex": POST + b"Content-Length: 0x0\r\n\r\n",
    "an empty length": POST + b"Content-Length: \r\n\r\n",
    "a length beyond 64 bits": POST + b"Content-Length: 99999999999999999999999\r\n\r\n",
    "two hosts": b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    "one host twice": b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nhost: x\r\n\r\n",
    "two hosts in HTTP/1.0": b"GET /health/liveness HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n",
    "no host": b"GET /health/liveness HTTP/1.1\r\n\r\n",
    "an empty host": b"GET /health/liveness HTTP/1.1\r\nHost:\r\n\r\n",
    "a blank host": b"GET /health/liveness HTTP/1.1\r\nHost:  \t \r\n\r\n",
    "an unknown coding, then chunks": POST
    + b"Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    + END,
    "a list of codings": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + END,
    "an empty coding, then chunks": POST + b"Transfer-Encoding: , chunked\r\n\r\n" + END,
    "chunks with a parameter": POST + b"Transfer-Encoding: chunked;a=b\r\n\r\n" + END,
    "chunks in HTTP/1.0": b"POST /v1/messages HTTP/1.0\r\nHost: x\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n" + END,
    "an unknown coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n" + END,
    "chunks that are not last": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n" + END,
    "no coding": POST + b"Transfer-Encoding: identity\r\n\r\n" + END,
    "chunks twice": POST + b"Transfer-Encoding: chunked\r\n" * 2 + b"\r\n" + END,
    "a quoted coding": POST + b'Transfer-Encoding: "chunked"\r\n\r\n' + END,
    "a vertical tab": POST + b"Transfer-Encoding:\x0bchunked\r\n\r\n" + END,
    "a space before the colon": POST + b"Transfer-Encoding : chunked\r\n\r\n" + END,
    "a folded coding": POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n" + END,
    "a folded header": POST + b"X-A: b\r\n c\r\nContent-Length: 0\r\n\r\n",
    "a folded first header": b"POST /v1/messages HTTP/1.1\r\n Host: x\r\nContent-Length: 0\r\n\r\n",
    "lines that end in LF": b"POST /v1/messages HTTP/1.1\nHost: x\nContent-Length: 0\n\n",
    "one line that ends in LF": POST + b"X: y\nContent-Length: 0\r\n\r\n",
    "a bare CR": POST + b"X: y\rContent-Length: 5\r\n\r\n",
    "two CRs": POST + b"Content-Length: 0\r\r\n\r\n",
    "a NUL": POST + b"X: a\0b\r\nContent-Length: 0\r\n\r\n",
    "a control character": POST + b"X: a\x01b\r\nContent-Length: 0\r\n\r\n",
    "a line without a colon": POST + b"Xyz\r\nContent-Length: 0\r\n\r\n",
    "a header without a name": POST + b": y\r\nContent-Length: 0\r\n\r\n",
    "a chunk below zero": CHUNKED + b"-1\r\n\r\n",
    "a chunk's size with 0x": CHUNKED + b"0x0\r\n\r\n",
    "a chunk beyond 64 bits": CHUNKED + b"fffffffffffffffff\r\n\r\n",
    "a space before a chunk's size": CHUNKED + b" 0\r\n\r\n",
    "a space after a chunk's size": CHUNKED + b"0 \r\n\r\n",
    "a chunk's extension that ends in LF": CHUNKED + b"0;a\n\r\n\r\n",
    "a chunk's size that ends in LF": CHUNKED + b"0\n\n",
    "a chunk longer than it says": CHUNKED + b"2\r\nabcd\r\n" + END,
    "a length in a trailer": CHUNKED + b"0\r\nContent-Length: 50\r\n\r\n",
    "an unknown version": b"POST /v1/messages HTTP/9.9\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/0.9": b"GET /health/liveness\r\n",
    "bytes in the path": b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
    "bytes in the query": b"GET /nothing?\xff HTTP/1.1\r\nHost: x\r\n\r\n",
    "an address without a path": b"GET http://elsewhere HTTP/1.1\r\nHost: x\r\n\r\n",
    "a tunnel": b"CONNECT elsewhere:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    "TLS": bytes.fromhex("16030100c8010000c40303") + bytes(190),
    "every byte": bytes(range(256)),
}


@pytest.mark.parametrize("port", ["public", "internal"])
@pytest.mark.parametrize("name", AMBIGUOUS)
def test_what_may_be_read_in_two_ways_is_a_400_and_the_end_of_the_connection(
    stack: Stack, port: str, name: str
) -> None:
    answered = answers(getattr(stack.gateway, f"{port}_url"), AMBIGUOUS[name] + AGAIN)

    assert answered.statuses == [400]
    head, body = answered.raw.split(b"\r\n\r\n")
    assert json.loads(body)["error"]["type"] == "invalid_request_error"
    assert b"request-id: req_" in head


@pytest.mark.parametrize(
    "chunks", [END, b"0;extension=1\r\n\r\n", b"2\r\n{}\r\n" + END, b"1\r\n{\r\n01\r\n}\r\n" + END]
)
def test_chunks_that_are_well_formed_are_one_request(stack: Stack, chunks: bytes) -> None:
    assert answers(stack.gateway.public_url, CHUNKED + chunks + AGAIN).statuses == [401, 200]


@pytest.mark.parametrize(
    "chunks",
    [
        b"1\r\n{\r\n" * 50_000,  # whoever sends each byte by itself
        b"1;signature=0123456789\r\n{\r\n" * 2_000,
        b"ffff;" + b"x" * 60_000 + b"\r\n" + b"{" * 65_535 + b"\r\n",
    ],
)
def test_framing_that_clients_use_is_taken(stack: Stack, chunks: bytes) -> None:
    key = b"X-Api-Key: " + stack.gateway.new_key().encode() + b"\r\n"
    body = POST + key + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + END

    answered = answers(stack.gateway.public_url, body + AGAIN)

    assert answered.statuses == [400, 200]
    assert b"framing" not in answered.raw


@pytest.mark.parametrize(
    "chunks",
    [
        b"2;" + b"x" * 2_000_000,
        b"2;" + b"x" * 2_000_000 + b"\r\n{}\r\n" + END,
        (b"1;" + b"x" * 1_000 + b"\r\n{\r\n") * 2_000 + END,
        b"2\r\n{}\r\n0\r\n" + b"X-Trailer: x\r\n" * 200_000 + b"\r\n",
    ],
    ids=["an endless extension", "a long extension", "many extensions", "endless trailers"],
)
def test_framing_that_hides_a_flood_is_refused(stack: Stack, chunks: bytes) -> None:
    key = b"X-Api-Key: " + stack.gateway.new_key().encode() + b"\r\n"

    answered = answers(
        stack.gateway.public_url, POST + key + b"Transfer-Encoding: chunked\r\n\r\n" + chunks
    )

    assert answered.statuses[:1] in ([], [400])
    assert len(answered.statuses) <= 1


@pytest.mark.parametrize("coding", [b"chunked", b"Chunked", b"CHUNKED", b" chunked "])
def test_chunks_are_named_in_any_case(stack: Stack, coding: bytes) -> None:
    request = POST + b"Transfer-Encoding:" + coding + b"\r\n\r\n" + END

    assert answers(stack.gateway.public_url, request + AGAIN).statuses == [401, 200]


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket", b"made-up"])
def test_another_protocol_is_not_changed_to_and_nothing_after_it_is_read(
    stack: Stack, protocol: bytes
) -> None:
    upgrade = b"Connection: Upgrade\r\nUpgrade: " + protocol + b"\r\nContent-Length: 2\r\n\r\n{}"

    answered = answers(stack.gateway.public_url, POST + upgrade + AGAIN)

    assert answered.statuses == [401]
    assert b"connection: close" in answered.raw


@pytest.mark.parametrize("host", [b"[", b"a]b", b"evil.example", b"\xe9", b"a, b", b"x" * 5000])
def test_the_name_of_the_host_means_nothing(stack: Stack, host: bytes) -> None:
    for path, status in ((b"/health/liveness", 200), (b"/nothing", 404), (b"/user/new/", 404)):
        request = b"GET " + path + b" HTTP/1.1\r\nConnection: close\r\nHost: " + host + b"\r\n\r\n"
        answered = answers(stack.gateway.internal_url, request)

        assert answered.statuses == [status]
        assert host not in answered.raw or len(host) == 1


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"X: " + b"a" * 60_000, 200),
        (b"X: " + b"a" * 70_000, 431),
        (b"X: " + b"a" * 2_000_000, 431),
        (b"\r\n".join([b"a: b"] * 200), 200),
        (b"\r\n".join([b"a: b"] * 300), 431),
        (b"\r\n".join([b"a: b"] * 300_000), 431),
    ],
    ids=["60 KB", "70 KB", "2 MB", "200 headers", "300 headers", "300,000 headers"],
)
def test_a_head_is_no_larger_than_allowed(stack: Stack, head: bytes, status: int) -> None:
    request = b"GET /health/liveness HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + head

    assert answers(stack.gateway.public_url, request + b"\r\n\r\n").statuses == [status]


def test_a_line_that_asks_is_no_longer_than_allowed(stack: Stack) -> None:
    for start in (b"GET /", b"GET /health/liveness?", b"A"):
        request = start + b"a" * 300_000

        assert answers(stack.gateway.public_url, request).statuses[0] in {400, 431}
