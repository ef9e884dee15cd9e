"""Administration, on the internal port alone: LiteLLM's paths, field names and shapes.

Other modules take `reader` or `changer` (who is let in) and `DOCUMENTED_KEYS` from `access`,
`documented` (answers and refusals for the OpenAPI document) from `shapes`, `Text` from `fields`.
"""

from app.http.admin.access import reader as require_master_key
from app.http.admin.fields import Text

__all__ = ["Text", "require_master_key"]
