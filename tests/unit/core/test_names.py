"""E-mail addresses in their normal form, and names that look like what they are."""

from collections.abc import Callable

import pytest

from app.core.names import new_id, normal_email, visible_name

BIDI = "abc\u202ecba"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("ada@example.org", "ada@example.org"),
        ("Ada@Example.ORG", "ada@example.org"),
        ("  a@b \t", "a@b"),
        ("first.last+tag@mail.example.org", "first.last+tag@mail.example.org"),
        ("jürgen@müller.example", "jürgen@müller.example"),
    ],
)
def test_an_address_has_one_form(sent: str, kept: str) -> None:
    assert normal_email(sent) == kept


@pytest.mark.parametrize(
    "sent",
    ["", " ", "nope", "@b", "a@", "a@b@c", "a b@c", "a@b c", "a,b@c", "<a@b>", "a@b.", "a@.b",
     "a@-\u202e", "\u200ba@b", "x" * 65 + "@b", "a@" + "b" * 300, "a@b\nc@d", "Ada <a@b>"],
)  # fmt: skip
def test_what_is_no_address_is_refused(sent: str) -> None:
    with pytest.raises(ValueError, match="is not an e-mail address"):
        normal_email(sent)


@pytest.mark.parametrize("check", [visible_name, new_id])
@pytest.mark.parametrize(
    "sent", ["", " ", "\t", "\u3000", BIDI, "\u2066a", "\u200f", "a\u2028b", "a\x00", "\ufeffa"]
)
def test_a_name_is_not_blank_and_hides_nothing(check: Callable[[str], str], sent: str) -> None:
    with pytest.raises(ValueError, match="must not"):
        check(sent)


@pytest.mark.parametrize("sent", ["Ada Lovelace ✓", "👩\u200d💻", "名前", "a,b", "a\u200cb"])
def test_a_name_may_be_written_in_any_script(sent: str) -> None:
    assert visible_name(sent) == sent


@pytest.mark.parametrize("sent", ["a,b", "a b", " a", "a\u00a0b", "a\tb"])
def test_an_id_has_no_blanks_and_no_commas(sent: str) -> None:
    with pytest.raises(ValueError, match="blanks or commas"):
        new_id(sent)


def test_an_id_may_be_an_address() -> None:
    assert new_id("ada@example.org") == "ada@example.org"
