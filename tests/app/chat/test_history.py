"""The history that is sent upstream: its content, and the reads for it."""

from dataclasses import replace
from typing import cast

import pytest

from app.chat.history import MAX_COUNTED, MAX_TURNS, History, read_history, to_exchange
from app.contract import Status, Turn
from app.store import Store, TurnHead

HEAD = TurnHead("0", "me", "p", "c", None, "q0", "m", None, 0.0, 1e9)


class FakeHeads:
    """The heads of one conversation; counts reads."""

    def __init__(self, heads: list[TurnHead]) -> None:
        self.heads = {head.turn_id: head for head in heads}
        self.answers: dict[str, Turn] = {}
        self.reads = 0

    @property
    def store(self) -> Store:
        return cast("Store", self)

    @property
    def newest(self) -> TurnHead:
        return list(self.heads.values())[-1]

    async def head(self, owner: str, turn_id: str) -> TurnHead | None:
        assert owner == "me"
        self.reads += 1
        return self.heads.get(turn_id)

    async def read(self, head: TurnHead) -> Turn:
        self.reads += 1
        return self.answers.get(head.turn_id) or answered(head, f"a{head.turn_id}")

    async def history(self, message: str, limit: int, newest: TurnHead | None = None) -> History:
        return await read_history(self.store, newest or self.newest, message, limit, self.read)


def answered(head: TurnHead, text: str = "", **more: object) -> Turn:
    plain = {"turn_id": head.turn_id, "conversation_id": "c", "created_at": 0.0, "model": "m"}
    return Turn.model_validate(
        {**plain, "message": head.message, "text": text, "status": Status.COMPLETED, **more},
    )


def chain(length: int, message: str = "q") -> FakeHeads:
    """A conversation in which each turn follows the one before."""
    numbers = [str(number) for number in range(length)]
    parents = [None, *numbers]
    return FakeHeads(
        [
            replace(HEAD, turn_id=number, parent_turn_id=parent, message=message + number)
            for number, parent in zip(numbers, parents, strict=False)
        ]
    )


async def test_history_is_the_path_to_the_question() -> None:
    said = await chain(3).history("new", limit=1000)
    assert [item.text for item in said.items] == ["q0", "a0", "q1", "a1", "q2", "a2", "new"]
    assert [item.role for item in said.items] == ["user", "assistant"] * 3 + ["user"]
    assert said.omitted == 0


async def test_a_question_without_a_parent_stands_alone() -> None:
    said = await read_history(chain(3).store, None, "new", 1000, chain(3).read)
    assert said == History.of("new")


@pytest.mark.parametrize("limit", range(3, 16))
async def test_only_turns_that_fit_are_told(limit: int) -> None:
    """Each turn has 4 characters, the question 3."""
    said = await chain(3).history("new", limit)
    fitting = min(3, (limit - 3) // 4)
    assert len(said.items) == 2 * fitting + 1
    assert said.omitted == 3 - fitting


async def test_a_question_longer_than_the_limit_is_told() -> None:
    said = await chain(3).history("new question", limit=5)
    assert [item.text for item in said.items] == ["new question"]
    assert said.omitted == 3


@pytest.mark.parametrize(
    "blank",
    [
        {"status": Status.FAILED},
        {"status": Status.STOPPED},
        {"status": Status.INTERRUPTED, "reasoning": "hm"},
        {"status": Status.RUNNING},
        {"status": Status.COMPLETED, "text": " \n"},
        {"status": Status.INCOMPLETE, "reason": "max_output_tokens"},
    ],
)
async def test_a_turn_without_an_answer_is_left_out(blank: dict[str, object]) -> None:
    heads = chain(3)
    heads.answers["1"] = answered(heads.heads["1"]).model_copy(update=blank)
    said = await heads.history("new", limit=1000)
    assert [item.text for item in said.items] == ["q0", "a0", "q2", "a2", "new"]
    assert said.omitted == 0


def test_a_refusal_is_an_answer() -> None:
    turn = answered(HEAD, refusal="No.", status=Status.REFUSED)
    assert [item.text for item in to_exchange(turn)] == ["q0", "No."]


async def test_long_turns_are_not_read_beyond_the_limit() -> None:
    heads = chain(1000, message="m" * 1000)
    said = await heads.history("new", limit=5_500)
    assert len(said.items) == 2 * 5 + 1
    assert said.omitted == MAX_COUNTED
    assert heads.reads <= 2 * 6 + MAX_COUNTED


async def test_many_short_turns_are_not_all_read() -> None:
    heads = chain(6000)
    said = await heads.history("new", limit=200_000)
    assert len(said.items) == 2 * MAX_TURNS + 1
    assert said.items[-2].text == "a5999"
    assert said.omitted == MAX_COUNTED
    assert heads.reads <= 2 * MAX_TURNS + MAX_COUNTED


async def test_unanswered_turns_are_not_all_read() -> None:
    heads = chain(6000)
    heads.answers = {key: answered(head) for key, head in heads.heads.items()}
    assert len((await heads.history("new", limit=200_000)).items) == 1
    assert heads.reads <= 2 * MAX_TURNS + MAX_COUNTED


@pytest.mark.parametrize("parent", [None, replace(HEAD, conversation_id="other")])
async def test_a_missing_ancestor_ends_the_path(parent: TurnHead | None) -> None:
    heads = chain(3)
    del heads.heads["0"]
    if parent:
        heads.heads = {"0": parent, **heads.heads}
    said = await heads.history("new", limit=1000)
    assert [item.text for item in said.items] == ["q1", "a1", "q2", "a2", "new"]
    assert said.omitted == 0


async def test_a_path_that_closes_on_itself_ends() -> None:
    heads = FakeHeads([replace(HEAD, parent_turn_id="0")])
    assert (await heads.history("new", limit=1000)).omitted == MAX_COUNTED
