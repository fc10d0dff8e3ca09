"""The input of the model."""

from dataclasses import dataclass
from typing import Literal, NamedTuple


class Item(NamedTuple):
    """One message of a conversation."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True)
class Prompt:
    """A request to the model: the messages so far, the newest question last."""

    items: tuple[Item, ...]
    model: str
    instructions: str | None
    max_output_tokens: int
