"""What a host knows of a request: the one contract between a host and the application.

A host may put a mapping into `scope["extensions"]["rivulet.invocation"]`. `handler`
does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

EXTENSION = "rivulet.invocation"


@dataclass(frozen=True, slots=True)
class HostContext:
    """Each is None if the host does not know it; `deadline`
    is in seconds since the epoch.
    """

    request_id: str | None = None
    trace_id: str | None = None
    deadline: float | None = None


def host_context(scope: Mapping[str, Any]) -> HostContext:
    """Returns what the host put into the scope. Unknown entries are ignored."""
    found = scope.get("extensions", {}).get(EXTENSION, {})
    return HostContext(found.get("request_id"), found.get("trace_id"), found.get("deadline"))
