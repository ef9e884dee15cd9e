"""The usage page, as somebody with a key sees it in a browser."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.support.stack import Stack

if TYPE_CHECKING:
    from playwright.sync_api import Page

HAIKU = "claude-haiku-4-5"


@pytest.fixture
def key(stack: Stack) -> str:
    """Of somebody who has spent a fifth of a budget."""
    user = "browser-" + os.urandom(4).hex()
    stack.gateway.admin(
        "POST", "/user/new", user_id=user, max_budget=50, budget_duration="1mo", rpm_limit=60
    )
    key = stack.gateway.new_key(user_id=user, key_alias=f"{user}-laptop", max_budget=0.0004)
    body = {
        "model": HAIKU,
        "max_tokens": 50,
        "messages": [{"role": "user", "content": "[[tokens=5]]"}],
    }
    headers = {"x-api-key": key, "x-claude-code-session-id": "b5d4e7c0-session"}
    answer = httpx.post(f"{stack.gateway.public_url}/v1/messages", json=body, headers=headers)
    assert answer.status_code == 200
    return key


def ask(page: "Page", stack: Stack, key: str) -> None:
    page.goto(f"{stack.gateway.public_url}/v1/usage")
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Show usage").click()


def test_who_types_a_key_sees_budgets_models_and_sessions(
    page: "Page", stack: Stack, key: str, tmp_path: Path
) -> None:
    from playwright.sync_api import expect

    ask(page, stack, key)

    expect(page.get_by_role("heading", name="-laptop")).to_be_visible()
    expect(page.get_by_text("of $50.00")).to_be_visible()
    expect(page.get_by_text("60 requests a minute")).to_be_visible()
    expect(page.get_by_role("cell", name=HAIKU)).to_have_count(2)
    expect(page.get_by_role("cell", name="b5d4e7c0-session")).to_have_count(2)
    meters = page.get_by_role("meter")
    expect(meters).to_have_count(2)
    shares = [int(meter.get_attribute("aria-valuenow") or -1) for meter in meters.all()]
    widths = [
        meter.evaluate("bar => bar.firstChild.offsetWidth / bar.offsetWidth * 100")
        for meter in meters.all()
    ]
    assert widths == pytest.approx(shares, abs=1)
    page.screenshot(path=tmp_path / "usage.png", full_page=True)


def test_the_key_is_in_no_address_and_kept_nowhere(page: "Page", stack: Stack, key: str) -> None:
    from playwright.sync_api import expect

    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    ask(page, stack, key)
    expect(page.get_by_role("heading", name="-laptop")).to_be_visible()

    assert key not in "".join([*asked, page.url])
    assert page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [
        0,
        0,
        "",
    ]
    page.reload()
    assert page.get_by_label("API key").input_value() == ""
    assert page.get_by_label("API key").get_attribute("type") == "password"


def test_a_wrong_key_is_told_in_the_gateways_words(page: "Page", stack: Stack) -> None:
    from playwright.sync_api import expect

    ask(page, stack, "sk-nobody-has-this-key")

    expect(page.get_by_role("alert")).to_contain_text("Invalid API key.")
    expect(page.get_by_role("heading", name="Today")).to_be_hidden()


def test_text_of_others_is_shown_and_never_run(page: "Page", stack: Stack) -> None:
    from playwright.sync_api import expect

    hostile = "<img src=x onerror=alert(1)>" + os.urandom(2).hex()
    key = stack.gateway.new_key(key_alias=hostile)

    ask(page, stack, key)

    expect(page.get_by_role("heading", name="<img src=x")).to_be_visible()
    assert page.locator("img").count() == 0


def test_it_fits_a_telephone(page: "Page", stack: Stack, key: str) -> None:
    from playwright.sync_api import expect

    page.set_viewport_size({"width": 360, "height": 740})

    ask(page, stack, key)

    expect(page.get_by_role("heading", name="-laptop")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 360
