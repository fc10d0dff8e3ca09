"""A process that claims a turn's slots against others: `python -m tests.app.store.rival <name> <slots>`.

On stdin it is told where the store is, a line of JSON, and when it has opened that and said so, the turn, another one.
It creates the turn with its own name as the producer, and says whom the store has kept, then each slot that it has won.
"""

import asyncio
import json
import sys
from pathlib import Path

from app.store import SlotTakenError, Store, TurnHead
from app.store.dynamodb.store import DynamoDBStore
from app.store.sqlite.store import SQLiteStore
from tests.app.store.conftest import client_of
from tests.app.store.makers import a_batch

Place = dict[str, str]


def open_at(place: Place) -> Store:
    """The store in the file at `path`, or in a `table` at an `endpoint`."""
    if "path" in place:
        return SQLiteStore(Path(place["path"]))
    return DynamoDBStore(place["table"], client_of(place["endpoint"], read_timeout=60))


async def compete(store: Store, turn: TurnHead, slots: int) -> None:
    say((await store.create(turn, "title")).producer)
    for slot in range(slots):
        try:
            await store.append(turn, a_batch(slot, writer=turn.producer))
        except SlotTakenError:
            continue
        say(slot)
    await store.close()


def say(word: object) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    store = open_at(json.loads(input()))
    say("ready")
    asyncio.run(compete(store, TurnHead(**json.loads(input()) | {"producer": sys.argv[1]}), int(sys.argv[2])))
