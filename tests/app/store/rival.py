"""A process that competes for a turn's slots: `python -m
tests.app.store.rival <name> <slots>`.

It reads the store's place from stdin, one line of JSON, opens it and prints a line.
Then it reads the turn, another line, creates it with its own name as the producer, and
prints the stored producer, then each slot that it has won.
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
    """Opens the store in the file at `path`, or in a `table` at an `endpoint`."""
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
