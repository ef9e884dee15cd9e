"""What a real AWS provider says of the environments: an optional tier, STARGATE_REAL_PROVIDER=1."""

from collections.abc import Iterator

import pytest

from tests.infra.standin.schema import Schema
from tests.infra.support import real_provider
from tests.infra.support.deployment import Deployment
from tests.infra.support.real_provider import Provider, configurations

pytestmark = pytest.mark.timeout(400)

NEWER_THAN_IT = (
    # What AWS has learnt since May 2021: resource, and what the provider of then says.
    ("aws_appautoscaling_policy.concurrent_requests", "metric_specification.0.statistic"),
    ("aws_appautoscaling_policy.concurrent_requests", "metric_specification.0.namespace"),
    ("aws_appautoscaling_policy.concurrent_requests", "metric_specification.0.metric_name"),
    ("aws_budgets_budget.this", '"time_period_start" is required'),
    ("aws_cloudfront_distribution.this", "got http2and3"),
    ("aws_efs_file_system.this", "got elastic"),
    ("aws_efs_file_system.this", "List longer than MaxItems"),
    ("aws_s3_bucket_ownership_controls.this", "got BucketOwnerEnforced"),
)


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with real_provider.running() as found:
        yield found


@pytest.fixture(scope="module")
def schema() -> Schema:
    return Schema.load()


def is_new(address: str, sentence: str) -> bool:
    return any(where in address and what in sentence for where, what in NEWER_THAN_IT)


def test_it_has_nothing_against_any_resource(
    provider: Provider, schema: Schema, environment: Deployment
) -> None:
    asked, said = 0, []
    for address, kind, config in configurations(environment.plan, schema):
        if provider.knows(kind):
            asked += 1
            found = provider.problems(kind, config)
            said += [(address, one) for one in found if not is_new(address, one)]

    assert asked > len(environment.resources) / 2
    assert said == []


@pytest.mark.parametrize(
    ("kind", "attribute", "wrong"),
    [
        ("aws_lb", "name", "x" * 33),
        ("aws_iam_role", "name", "x" * 65),
        ("aws_cloudwatch_metric_alarm", "statistic", "Mean"),
        ("aws_db_instance", "identifier", "ends-with-"),
        ("aws_kms_key", "deletion_window_in_days", 3),
        ("aws_iam_role", "assume_role_policy", "{"),
    ],
)
def test_it_sees_what_the_stand_in_does_not(
    provider: Provider, schema: Schema, poc: Deployment, kind: str, attribute: str, wrong: object
) -> None:
    config = next(one for _, name, one in configurations(poc.plan, schema) if name == kind)
    before = provider.problems(kind, config)

    assert len(provider.problems(kind, {**config, attribute: wrong})) > len(before)
