"""What is asked of the model."""

from dataclasses import dataclass
from typing import Literal, NamedTuple


class Item(NamedTuple):
    """Something that was said in a conversation."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True)
class Prompt:
    """What is asked of the model: all that was said so far, the newest question last."""

    items: tuple[Item, ...]
    model: str
    instructions: str | None
    max_output_tokens: int
