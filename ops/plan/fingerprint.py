"""What makes two plans the same: the same resources become the same.

A sensitive value counts by its place alone. A digest of it could be guessed by trying, and the
fingerprint stands in a comment.
"""

import hashlib
import json

from ops.plan.document import Plan


def fingerprint(plan: Plan) -> str:
    """The same for a pull request's plan and the one after its merge, if nothing else moved on."""
    changes = [
        [
            one.address,
            one.kind,
            one.action,
            {name: [one.before.get(name), one.after.get(name)] for name in one.differing},
        ]
        for one in plan.changes
    ]
    said = json.dumps([changes, plan.outputs], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()
