"""The bandwidth of a streamed response."""

import pytest

from tests.fakes.bandwidth import MIB, Bandwidth


def test_burst_passes_at_once() -> None:
    bandwidth = Bandwidth()
    assert [bandwidth.delay(MIB, now=0) for _ in range(6)] == [0] * 6


def test_excess_over_burst_is_delayed() -> None:
    bandwidth = Bandwidth()
    bandwidth.delay(6 * MIB, now=0)
    assert bandwidth.delay(2 * MIB, now=0) == pytest.approx(1)
    assert bandwidth.delay(2 * MIB, now=1) == pytest.approx(1)


def test_pause_makes_room() -> None:
    bandwidth = Bandwidth()
    bandwidth.delay(6 * MIB, now=0)
    assert bandwidth.delay(2 * MIB, now=1) == 0


def test_long_pause_makes_room_for_burst() -> None:
    bandwidth = Bandwidth()
    bandwidth.delay(6 * MIB, now=0)
    assert bandwidth.delay(8 * MIB, now=3600) == pytest.approx(1)
