"""What the connection to the Runtime API does that the loop over it shows only by chance."""

import asyncio

import pytest

from handler.connection import Connection
from handler.protocol import next_invocation
from tests.fakes.runtime_api import RuntimeApi
from tests.handler.apps import in_time
from tests.handler.events import function_url


async def test_an_answer_is_there_for_who_asks_again_after_being_cancelled(api: RuntimeApi) -> None:
    async with Connection(api.address) as connection:
        await connection.write(next_invocation())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await connection.answer()
        api.invoke(function_url())
        assert (await in_time(connection.answer())).status == 200


async def test_it_says_when_an_answer_has_begun_to_come(api: RuntimeApi) -> None:
    async with Connection(api.address) as connection:
        await connection.write(next_invocation())
        await api.polled(1)
        assert (connection.awaits_answer, connection.is_receiving) == (True, False)
        api.invoke(function_url())
        await in_time(connection.answer())
        assert (connection.awaits_answer, connection.is_receiving) == (False, False)
