"""Settings from the SSM Parameter Store.

The parameters are below PARAMETER_PATH: the SecureString `openai-api-key`, and
`instructions` if they are too long for an environment variable. The store is read only
if neither the environment nor `.env` sets the key, and never under `sam local`. A key
that is missing or blank, or a path that cannot be read, raises ConfigurationError.
"""

import os
import re
import threading
from concurrent.futures import Future

from app.settings import ConfigurationError, Settings

FIELDS = {"openai-api-key": "openai_api_key", "instructions": "instructions"}
REQUIRED = {"openai-api-key"}
READ_LIMIT = 5.0  # seconds for the whole read: Lambda ends an initialization after 10


def check_region(settings: Settings) -> None:
    """Raises ConfigurationError if the table or the parameters
    are needed and there is no region.
    """
    if settings.aws_sam_local or not (settings.table_name or _missing(settings)):
        return
    region = os.environ.get("AWS_DEFAULT_REGION") or _configured_region()
    if not re.fullmatch(r"[A-Za-z0-9-]+", region):
        raise ConfigurationError("AWS_DEFAULT_REGION: must be the region of the table and the parameters")


def _configured_region() -> str:
    """Returns the region in the configuration file of the
    AWS CLI; empty if there is none.
    """
    from botocore.exceptions import BotoCoreError  # type: ignore[import-untyped]  # noqa: PLC0415
    from botocore.session import Session  # type: ignore[import-untyped]  # noqa: PLC0415

    try:
        return Session().get_config_variable("region") or ""
    except BotoCoreError as error:  # a profile that does not exist, a file that cannot be parsed
        raise ConfigurationError(f"AWS_PROFILE: {error}") from error


def read_fields(settings: Settings) -> dict[str, str]:
    """Returns the fields that `settings` lack and the Parameter Store has.

    Raises ConfigurationError.
    """
    path = settings.parameter_path
    missing = _missing(settings)
    if path is None or not missing:
        return {}
    found = {name: value for name, value in read_parameters(path).items() if value.strip()}
    absent = [f"{path.rstrip('/')}/{name}" for name in missing if name in REQUIRED - found.keys()]
    if absent:
        raise ConfigurationError(
            f"parameter {', '.join(absent)} does not exist, or is blank: set it with "
            f"`aws ssm put-parameter --overwrite --type SecureString --name {absent[0]} --value ...`"
        )
    return {field: found[name] for name, field in missing.items() if name in found}


def _missing(settings: Settings) -> dict[str, str]:
    """Returns the names and fields to read; empty if there
    is no path, or already a key.
    """
    missing = {name: field for name, field in FIELDS.items() if not getattr(settings, field)}
    is_read = settings.parameter_path and not settings.aws_sam_local and missing.keys() & REQUIRED
    return missing if is_read else {}


def read_parameters(path: str, *, limit: float = READ_LIMIT) -> dict[str, str]:
    """Returns the decrypted parameters below `path`, by
    relative name, within `limit` seconds.

    The time limits of boto3 count for one attempt at one address; the thread bounds
    name resolution, further addresses and pages as well. Raises ConfigurationError.
    """
    found: Future[dict[str, str]] = Future()

    def read() -> None:
        try:
            found.set_result(_read(path))
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
            found.set_exception(error)

    threading.Thread(target=read, name="parameters", daemon=True).start()  # a daemon never delays the exit
    try:
        return found.result(limit)
    except TimeoutError:
        raise ConfigurationError(
            f"PARAMETER_PATH: the parameters below {path} could not be read within {limit:g} s"
        ) from None


def _read(path: str) -> dict[str, str]:
    # boto3 takes a quarter of a second to import, so only processes with a path import
    # it
    from aws_lambda_powertools.utilities.parameters import GetParameterError, SSMProvider  # noqa: PLC0415
    from botocore.config import Config  # type: ignore[import-untyped]  # noqa: PLC0415 - botocore has no types
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415

    # shorter than READ_LIMIT, so that the error itself is reported
    limits = Config(connect_timeout=1, read_timeout=1.5, retries={"total_max_attempts": 2, "mode": "standard"})
    try:
        found = SSMProvider(boto_config=limits).get_multiple(path, decrypt=True, recursive=True)
    except GetParameterError as error:
        raise ConfigurationError(f"PARAMETER_PATH: cannot read the parameters below {path}: {error}") from error
    except (BotoCoreError, ValueError) as error:  # raised by the creation of the client
        raise ConfigurationError(f"AWS_DEFAULT_REGION or AWS_ENDPOINT_URL: {error}") from error
    return {name: str(value) for name, value in found.items()}
