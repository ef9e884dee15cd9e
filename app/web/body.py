"""Reading a request body, no larger than allowed."""

from starlette.requests import ClientDisconnect, Request

from app.errors import InvalidRequest, RequestTooLarge, UnsupportedEncoding


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body. Raises RequestTooLarge as soon as it is known to be."""
    if request.headers.get("content-encoding", "identity") != "identity":
        raise UnsupportedEncoding("content-encoding: send the body uncompressed")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise _too_large(limit)
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > limit:
                raise _too_large(limit)
            chunks.append(chunk)
    except ClientDisconnect as error:
        raise InvalidRequest("The body ended early.") from error
    return b"".join(chunks)


def body_bytes(request: Request, limit: int) -> int:
    """The length of the body as declared; `limit` where it is not, or is larger."""
    declared = request.headers.get("content-length", "")
    return min(int(declared), limit) if declared.isdecimal() and len(declared) < 20 else limit


def _too_large(limit: int) -> RequestTooLarge:
    return RequestTooLarge(f"The request is larger than {limit:,} bytes, the most that is taken.")
