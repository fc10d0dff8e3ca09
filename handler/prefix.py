"""The path prefix before the application's own paths: ASGI's `root_path`. No I/O.

If an API is called by its own name (`execute-api`), its stage is in the event. A custom
domain can map a stage to any path or to none, so nothing in its events is certain. That
prefix, and those of CloudFront and of load balancers, come from BASE_PATH. A path that
does not begin with a prefix is unchanged.

Source: API Gateway Developer Guide, "API stages for HTTP APIs", "Set up custom domain
names for REST APIs" and "Mapping API stages to a custom domain name for HTTP APIs".
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

# empty, or segments of the characters that API mappings accept
BASE_PATH = re.compile(r"(/[A-Za-z0-9$_+!*'(),~-][A-Za-z0-9$_.+!*'(),~-]*)*")


def split_path(context: Mapping[str, Any], path: str, domain: str, base_path: str) -> tuple[str, str]:
    """Returns root_path, and the client's path, which begins with it.

    `context` is the event's requestContext, `path` the path in the event.
    """
    name = str(context.get("stage") or "$default")
    stage = "" if name == "$default" else f"/{name}"
    seen = unquote(str(context.get("path") or ""))
    if stage and (seen == stage + path or (seen, path) == (stage, "/")):
        path = seen  # a REST API leaves its stage out of the event's path
    elif ".execute-api." not in domain:
        stage = ""
    for prefix in (stage + base_path, base_path, stage):
        if f"{path}/".startswith(f"{prefix}/"):
            return prefix, path
    return "", path
