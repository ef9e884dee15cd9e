"""Bedrock's responses other than 200, read as errors."""

from typing import Final

import aiohttp
import orjson

from app.bedrock.errors import EXCEPTION_BY_STATUS, upstream_error
from app.errors import GatewayError

LONGEST_ERROR: Final = 64 * 1024


def kind(response: aiohttp.ClientResponse) -> str:
    """The name of the exception, or an empty string."""
    return response.headers.get("x-amzn-errortype", "").partition(":")[0]


async def refusal(response: aiohttp.ClientResponse, *, guarded: bool) -> GatewayError:
    """The error that a response stands for; its connection goes back to the pool.

    `guarded`: the operator's guardrail was sent with the call.
    """
    message, original = "", None
    try:
        fields = orjson.loads(await _read_error(response))
        message = str(fields.get("message") or fields.get("Message") or "")
        original = fields.get("originalStatusCode")
    except (ValueError, AttributeError, TimeoutError, aiohttp.ClientError):
        pass
    finally:
        response.release()
    name = kind(response) or EXCEPTION_BY_STATUS.get(response.status, "")
    return upstream_error(
        name,
        message,
        original,
        guarded=guarded,
        retry_after=response.headers.get("retry-after"),
    )


async def _read_error(response: aiohttp.ClientResponse) -> bytes:
    """The body to its end, in however many segments it comes; of a huge one the beginning."""
    body = b""
    while len(body) < LONGEST_ERROR:
        if not (part := await response.content.read(LONGEST_ERROR - len(body))):
            break
        body += part
    return body
