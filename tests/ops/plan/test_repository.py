"""GitHub's answers, good and bad."""

import pytest

from ops.errors import Credentials, Denied, Misuse, NotFound, OpsError, Unreachable
from ops.plan.repository import repository
from tests.ops.plan.fake_github import PERSON, GitHub


def comments(github: GitHub, waits: list[float] | None = None) -> list[str]:
    waited = [] if waits is None else waits
    with repository(github.environ, waited.append) as found:
        return [one["body"] for one in found.comments(7)]


def test_comments_are_read_from_all_pages(github: GitHub) -> None:
    github.largest_page = 2
    for number in range(5):
        github.add_comment(7, str(number))
    github.add_comment(8, "another's")

    assert comments(github) == ["0", "1", "2", "3", "4"]
    assert len(github.asked) == 3


def test_what_people_write_is_not_taken_for_the_bots(github: GitHub) -> None:
    github.add_comment(7, "forged", PERSON)
    github.add_comment(7, "forged", {"login": "github-actions[bot]", "type": "User"})
    github.add_comment(7, "forged", {"login": "other[bot]", "type": "Bot"})
    github.add_comment(7, "ours")

    assert comments(github) == ["ours"]


@pytest.mark.parametrize(
    ("code", "error"),
    [(401, Credentials), (403, Denied), (404, NotFound), (410, NotFound), (422, OpsError)],
)
def test_a_refusal_ends_with_its_own_error(
    github: GitHub, code: int, error: type[OpsError]
) -> None:
    github.refusals.append((code, {}))

    with pytest.raises(error):
        comments(github)

    assert len(github.asked) == 1


def test_a_denial_names_the_permission(github: GitHub) -> None:
    github.refusals.append((403, {}))

    with pytest.raises(Denied) as raised:
        comments(github)

    assert "pull-requests: write" in raised.value.hint


@pytest.mark.parametrize("code", [403, 429])
def test_it_waits_as_long_as_github_asks_for(github: GitHub, code: int) -> None:
    github.add_comment(7, "ours")
    github.refusals += [(code, {"retry-after": "7"}), (code, {"retry-after": "9"})]
    waits: list[float] = []

    assert comments(github, waits) == ["ours"]
    assert waits == [7, 9]


def test_it_does_not_wait_for_an_hour(github: GitHub) -> None:
    github.refusals.append((403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9999999999"}))
    waits: list[float] = []

    with pytest.raises(Unreachable):
        comments(github, waits)

    assert waits == []


def test_it_gives_up_after_some_attempts(github: GitHub) -> None:
    github.refusals += [(502, {})] * 9

    with pytest.raises(Unreachable):
        comments(github)

    assert len(github.asked) == 4


def test_a_stumble_while_writing_is_not_tried_again(github: GitHub) -> None:
    """The comment may be there already."""
    github.refusals.append((502, {}))

    with (
        repository(github.environ, lambda _: None) as found,
        pytest.raises(OpsError, match="answers 502"),
    ):
        found.comment(7, "text")

    assert len(github.asked) == 1


def test_the_token_is_not_sent_to_another_host(github: GitHub) -> None:
    github.largest_page, github.next_page_host = 1, "http://localhost:9"
    github.add_comment(7, "one")
    github.add_comment(7, "two")

    with pytest.raises(OpsError, match="another host"):
        comments(github)


def test_no_answer_at_all_is_said_so(github: GitHub) -> None:
    github.address = "http://127.0.0.1:9"

    with pytest.raises(Unreachable, match="ConnectError"):
        comments(github)


def test_a_wrong_token_is_not_shown(github: GitHub) -> None:
    environ = {**github.environ, "GITHUB_TOKEN": "wrong-token"}

    with pytest.raises(Credentials) as raised, repository(environ, lambda _: None) as found:
        found.comment(7, "text")

    assert "wrong-token" not in f"{raised.value.message}{raised.value.hint}"


@pytest.mark.parametrize("name", ["GITHUB_REPOSITORY", "GITHUB_TOKEN"])
def test_without_repository_or_token_nothing_is_asked(github: GitHub, name: str) -> None:
    with (
        pytest.raises(Misuse),
        repository({**github.environ, name: ""}, lambda _: None) as found,
    ):
        found.comment(7, "text")

    assert github.asked == []
