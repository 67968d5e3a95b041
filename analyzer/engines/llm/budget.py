"""The cost cap: money is set aside before a request is sent, so that the cap is never passed."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass

from analyzer.engines.llm.prices import Price
from analyzer.errors import ConfigError


@dataclass(frozen=True, eq=False)
class Reservation:
    """Money set aside for one request; it ends by ``Budget.settle`` or ``Budget.release``.

    Attributes:
        usd: What was set aside.
    """

    usd: float


class Budget:
    """What a run has spent and may still spend, in USD; safe with several threads.

    The cap holds as long as no request costs more than was set aside for it: estimate with the
    most tokens that the model may answer.

    Args:
        max_cost_usd: Most that may be spent; None for no cap.
        price: The model's price, or None where it is not known.
        model: The model's name, for messages.

    Raises:
        ConfigError: If there is a cap but no price, or the cap is not 0 or more.
    """

    def __init__(
        self, max_cost_usd: float | None, price: Price | None, *, model: str | None = None
    ) -> None:
        if max_cost_usd is not None and not max_cost_usd >= 0:
            raise ConfigError(
                f"WORDBOND_MAX_COST is {max_cost_usd!r}; set it to a number of USD, 0 or more, "
                "or unset it."
            )
        if max_cost_usd is not None and price is None:
            name = "the model" if model is None else f"model {model!r}"
            raise ConfigError(
                f"A cost cap was set with WORDBOND_MAX_COST, but the price of {name} is not "
                "known; add it to a price file and name that in WORDBOND_PRICES, or unset the cap."
            )
        self.max_cost_usd = max_cost_usd
        self.price = price
        self._lock = threading.Lock()
        self._spent_usd = 0.0
        self._open: set[Reservation] = set()

    @property
    def spent_usd(self) -> float:
        """What was settled so far."""
        return self._spent_usd

    @property
    def reserved_usd(self) -> float:
        """What is set aside for requests under way."""
        with self._lock:
            return self._reserved_usd()

    def reserve(self, estimated_usd: float) -> Reservation | None:
        """Set money aside for one request.

        Args:
            estimated_usd: The most that the request can cost; >= 0.

        Returns:
            A reservation, or None if it would pass the cap together with what is spent and what
            is set aside for others.

        Raises:
            ValueError: If the amount is negative or not finite.
        """
        _check(estimated_usd)
        with self._lock:
            taken = self._spent_usd + self._reserved_usd() + estimated_usd
            if self.max_cost_usd is not None and taken > self.max_cost_usd:
                return None
            reservation = Reservation(estimated_usd)
            self._open.add(reservation)
            return reservation

    def settle(self, reservation: Reservation, actual_usd: float) -> None:
        """Replace a reservation by what the request cost.

        Args:
            reservation: An open one of this budget.
            actual_usd: >= 0; one above the reservation is counted in full, and what is left for
                others shrinks accordingly.

        Raises:
            ValueError: If the amount is negative or not finite, or the reservation is not open.
        """
        _check(actual_usd)
        with self._lock:
            if reservation not in self._open:
                raise ValueError(f"{reservation!r} is not open: it was settled or released before")
            self._open.remove(reservation)
            self._spent_usd += actual_usd

    def release(self, reservation: Reservation) -> None:
        """Give a reservation back unspent; does nothing if it has ended, to suit a ``finally``."""
        with self._lock:
            self._open.discard(reservation)

    def _reserved_usd(self) -> float:
        # Summed afresh: a running total would drift by rounding over a night's requests.
        return math.fsum(reservation.usd for reservation in self._open)


def _check(usd: float) -> None:
    if not 0 <= usd < math.inf:
        raise ValueError(f"an amount of USD must be finite and 0 or more, not {usd!r}")
