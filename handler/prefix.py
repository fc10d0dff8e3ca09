"""The path prefix that a front door puts before the application's own paths: ASGI's `root_path`. No I/O.

A stage of an API is found in the event if the API is called by its own name
(`execute-api`). A domain of one's own can map a stage to any path and to none, so nothing
in its events is certain: that prefix, and those of CloudFront and of load balancers, come
from BASE_PATH. A path that does not begin with a prefix is left as it is.

Source: API Gateway Developer Guide, "API stages for HTTP APIs", "Set up custom domain
names for REST APIs" and "Mapping API stages to a custom domain name for HTTP APIs".
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

BASE_PATH = re.compile(r"(/[A-Za-z0-9$_+!*'(),~-][A-Za-z0-9$_.+!*'(),~-]*)*")
"""What may be set: nothing, or segments of the characters that API mappings take."""


def split_path(context: Mapping[str, Any], path: str, domain: str, base_path: str) -> tuple[str, str]:
    """root_path, and the path as the client sees it, which begins with it.

    `context` is the event's requestContext, `path` the path that the event names.
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
