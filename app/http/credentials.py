"""Who sends credentials, and from where."""

from collections.abc import Mapping

from starlette.requests import Request

from app.domain.keys import Credentials
from app.http import headers


def credentials(request: Request, said: Mapping[str, str] | None = None) -> Credentials:
    """The keys of a request, preferred one first, and the address that it came from. `said`:
    its headers, where they were read already."""
    return Credentials(headers.secrets(request.headers if said is None else said), address(request))


def address(request: Request) -> str:
    """The other end of the connection, or what the outermost of our own proxies saw as that.

    Each of them adds one to X-Forwarded-For; whatever stands before was sent by the client.
    """
    proxies: int = request.app.state.proxies
    if proxies:
        hops = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
        if len(hops) >= proxies and (hop := hops[-proxies].strip()):
            return hop[: headers.LONGEST_ADDRESS]
    return request.client.host if request.client else ""
