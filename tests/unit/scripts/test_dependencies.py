"""What the image holds is listed, and its licences are agreed to."""

import pytest

from scripts.dependencies import PAGE, Package, disallowed, licence, packages, page


def test_the_page_lists_what_the_lock_holds() -> None:
    assert PAGE.read_text() == page(PAGE.read_text()), "run: python -m scripts.dependencies"


def test_everything_in_the_image_is_needed_by_something() -> None:
    assert [one.name for one in packages() if not one.needed_by] == []


def test_all_licences_are_agreed_to() -> None:
    assert disallowed() == []


@pytest.mark.parametrize(
    ("name", "expression", "allowed"),
    [
        ("a", "MIT", True),
        ("a", "GPL-3.0-only", False),
        ("a", "GPL-3.0-only OR MIT", True),
        ("a", "GPL-3.0-only AND MIT", False),
        ("a", "Apache-2.0 AND (GPL-3.0-only OR MIT)", True),
        ("a", "(MIT OR Apache-2.0)", True),
        ("a", "LGPL-3.0-only", False),
        ("psycopg", "LGPL-3.0-only", True),
        ("orjson", "MPL-2.0 AND (Apache-2.0 OR MIT)", True),
        ("a", "MPL-2.0 AND (Apache-2.0 OR MIT)", False),
        ("a", "unknown", False),
        ("a", "", False),
    ],
)
def test_a_licence_is_allowed_by_what_it_asks_for(
    name: str, expression: str, allowed: bool
) -> None:
    package = Package(name, "1.0", expression, ("the gateway",))

    assert (disallowed([package]) == []) is allowed


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ({"license_expression": "MIT"}, "MIT"),
        ({"license": "Apache 2.0"}, "Apache-2.0"),
        ({"license": "MIT License\n\nCopyright …"}, "MIT"),
        (
            {"license": "x" * 500, "classifier": ["License :: OSI Approved :: BSD License"]},
            "BSD-3-Clause",
        ),
        ({"classifier": ["Programming Language :: Python"]}, "unknown"),
        ({}, "unknown"),
    ],
)
def test_a_licence_is_read_from_where_a_package_says_it(
    said: dict[str, str | list[str]], read: str
) -> None:
    assert licence(said) == read
