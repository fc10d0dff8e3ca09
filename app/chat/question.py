"""A chat request as a turn: whether it is allowed, what is stored
of it, whether it is the same again. Pure.
"""

import uuid

from app.chat.lifecycle import DAY
from app.contract import ChatRequest
from app.problems import InvalidRequest
from app.settings import Settings
from app.store import TurnHead

TITLE_CHARS = 80
# the namespace of the conversation ids that are made here (RFC 9562, 5.5)
CONVERSATIONS = uuid.UUID("5b0a7c0e-6f5d-4c53-9a53-2f6d6f3f7c11")


def check(request: ChatRequest, settings: Settings) -> None:
    """Raises InvalidRequest if the request exceeds what the settings allow."""
    if request.model is not None and request.model not in settings.allowed_models:
        raise InvalidRequest.of_field("model", f"must be one of {', '.join(settings.allowed_models)}")
    if request.parent_turn_id is not None and request.conversation_id is None:
        raise InvalidRequest.of_field("parent_turn_id", "needs its conversation_id")
    longest = settings.max_message_chars
    for field, text in (("message", request.message), ("instructions", request.instructions or "")):
        if len(text) > longest:
            raise InvalidRequest.of_field(field, f"has {len(text)} characters; at most {longest} are allowed")


def new_head(request: ChatRequest, settings: Settings, *, owner: str, turn_id: str, now: float) -> TurnHead:
    """Returns the turn to store, with a new producer."""
    return TurnHead(
        turn_id=turn_id,
        owner=owner,
        producer=uuid.uuid4().hex,
        # by the turn's id: a retry of a first question gets the same conversation
        conversation_id=str(request.conversation_id or uuid.uuid5(CONVERSATIONS, turn_id)),
        parent_turn_id=_text(request.parent_turn_id),
        message=request.message,
        model=request.model or settings.openai_model,
        instructions=request.instructions,
        created_at=now,
        expires_at=now + settings.turn_days * DAY,
    )


def is_same(request: ChatRequest, head: TurnHead) -> bool:
    """Whether the request is the same question as `head`.

    Only what the client sent is compared: the server's defaults may have changed since,
    and a first question does not have its conversation's id yet.
    """
    return (
        request.message == head.message
        and request.instructions == head.instructions
        and _text(request.parent_turn_id) == head.parent_turn_id
        and request.model in {None, head.model}
        and _text(request.conversation_id) in {None, head.conversation_id}
    )


def title_of(message: str) -> str:
    """Returns the first words of a message on one line, or its
    first characters if it has no spaces.
    """
    line = " ".join(message.split())
    if len(line) <= TITLE_CHARS:
        return line
    words, _, _ = line[:TITLE_CHARS].rpartition(" ")
    start = words if len(words) > TITLE_CHARS // 2 else line[: TITLE_CHARS - 1].rstrip()
    return f"{start}…"


def _text(value: uuid.UUID | None) -> str | None:
    return None if value is None else str(value)
