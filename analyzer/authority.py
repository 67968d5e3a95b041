"""Who may grant what: as the policies' clauses say it, and as people have corrected it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from analyzer.domain import Clause
from analyzer.errors import ConfigError
from analyzer.language.authority import ANYONE, Grant
from analyzer.language.quantities import Quantity, find_quantities
from analyzer.language.roles import Cap, singular

_MONEY_PLACES = 2


@dataclass(frozen=True)
class AuthorityCorrection:
    """What a person says that a clause grants, in place of what was read from it.

    Attributes:
        company: Key of the company.
        clause_id: Id of the clause.
        wording: The clause's :attr:`~analyzer.domain.Clause.wording` when it was corrected; with
            other words the correction no longer holds.
        grants: All that the clause grants; none where it grants nothing.
        reviewer: Who corrected it.
        reason: Why, or None.
        at: When, in UTC.
    """

    company: str
    clause_id: str
    wording: str
    grants: tuple[Grant, ...]
    reviewer: str
    reason: str | None
    at: dt.datetime

    def applies_to(self, clause: Clause) -> bool:
        """Whether it is about this clause, in these words."""
        return (self.company, self.clause_id, self.wording) == (
            clause.company, clause.id, clause.wording,
        )  # fmt: skip

    def to_record(self) -> dict[str, Any]:
        """As plain JSON types."""
        return {
            "company": self.company,
            "clause_id": self.clause_id,
            "wording": self.wording,
            "grants": [grant_to_record(grant) for grant in self.grants],
            "reviewer": self.reviewer,
            "reason": self.reason,
            "at": self.at.isoformat(),
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> AuthorityCorrection:
        """Read back what :meth:`to_record` wrote.

        Raises:
            KeyError: If a field is missing.
            ValueError: If a field is not what it has to be.
        """
        return cls(
            company=record["company"],
            clause_id=record["clause_id"],
            wording=record["wording"],
            grants=tuple(grant_from_record(grant) for grant in record["grants"]),
            reviewer=record["reviewer"],
            reason=record["reason"],
            at=dt.datetime.fromisoformat(record["at"]),
        )


def grant_to_record(grant: Grant) -> dict[str, Any]:
    """A grant as plain JSON types; quantities as they are said (:func:`say_quantity`)."""
    return {
        "role": grant.role,
        "action": grant.action,
        "limit": say_quantity(grant.limit),
        "per": grant.per,
        "is_allowed": grant.is_allowed,
        "approval": grant.approval,
        "approval_above": say_quantity(grant.approval_above),
        "is_exclusive": grant.is_exclusive,
        "start": grant.start,
        "end": grant.end,
    }


def grant_from_record(record: dict[str, Any]) -> Grant:
    """A grant from what a person entered or what was kept.

    Raises:
        KeyError: If the role or the action is missing.
        ConfigError: If a limit is given that holds no quantity, or the role is blank.
    """
    role = singular(str(record["role"]).strip())
    if not role:
        raise ConfigError("A line of the authority matrix names no role; name one, or remove it.")
    return Grant(
        role=role,
        action=str(record["action"] or "").strip(),
        limit=_read_quantity(record.get("limit")),
        per=_text(record.get("per")),
        is_allowed=bool(record.get("is_allowed", True)),
        approval=_text(record.get("approval")),
        approval_above=_read_quantity(record.get("approval_above")),
        is_exclusive=bool(record.get("is_exclusive", False)),
        start=_place(record.get("start")),
        end=_place(record.get("end")),
    )


def _place(value: Any) -> int:
    """A place in the clause's text; 0 where a person entered the line and named none."""
    try:
        return max(0, int(value or 0))
    except (TypeError, ValueError, OverflowError):
        return 0


def _text(value: Any) -> str | None:
    # pandas gives NaN for a cell that was left empty.
    text = "" if value is None or value != value else str(value).strip()  # noqa: PLR0124
    return text or None


def _read_quantity(value: Any) -> Quantity | None:
    text = _text(value)
    if text is None:
        return None
    found = find_quantities(text)
    if not found:
        raise ConfigError(
            f"The limit {text!r} holds no quantity; write it as 50 USD, 10% or 2 nights."
        )
    return found[0]


def say_quantity(quantity: Quantity | None) -> str | None:
    """A quantity in words that :func:`grant_from_record` reads back: ``150 USD``, ``10%``."""
    if quantity is None:
        return None
    value = round(quantity.value, _MONEY_PLACES)
    number = f"{value:,.2f}" if value % 1 else f"{value:,.0f}"
    unit = {
        "percent": "%",
        "duration": " days",
        "business_duration": " business days",
        "points": " points",
    }.get(quantity.dimension, f" {quantity.unit}" if quantity.unit else "")
    if quantity.dimension == "clock":
        return f"{int(quantity.value):02d}:{round(quantity.value % 1 * 60):02d}"
    # Dollars of no named country have no code.
    sign = "$" if quantity.dimension == "money" and not quantity.unit else ""
    return f"{sign}{number}{unit}"


def caps_of(grants: Iterable[Grant], text: str) -> tuple[Cap, ...]:
    """What roles may grant, in the form in which promises are compared with it.

    Args:
        grants: Grants of one clause.
        text: The clause's text, for the words that a grant was read from.
    """
    return tuple(
        Cap(
            role=grant.role,
            about=grant.action,
            limits=(grant.limit,) if grant.limit else (),
            nothing=not grant.is_allowed and grant.limit is None,
            text=text[grant.start : grant.end] or grant.action,
        )
        for grant in grants
        if grant.role != ANYONE
    )


def reserved_to(grants: Iterable[Grant], start: int, end: int) -> tuple[str, ...]:
    """Roles that a stretch of a clause keeps something for, alone or by their approval.

    A grant that a person entered names no place; it speaks of the whole clause.
    """
    out: dict[str, None] = {}
    for grant in grants:
        if not grant.end or (grant.start < end and start < grant.end):
            if grant.is_exclusive and grant.role != ANYONE:
                out[grant.role] = None
            if grant.approval:
                out[grant.approval] = None
    return tuple(out)


@dataclass(frozen=True)
class AuthorityRow:
    """One line of a company's authority matrix.

    Attributes:
        clause: The clause that says it.
        grant: What it says.
        is_corrected: Whether a person said it in place of what was read.
    """

    clause: Clause
    grant: Grant
    is_corrected: bool


def say_grant(grant: Grant) -> str:
    """A grant in one cell: ``up to 150 USD per order, above 50 USD with the supervisor's yes``."""
    if not grant.is_allowed:
        return "may not"
    words = f"up to {say_quantity(grant.limit)}" if grant.limit else "may"
    if grant.per:
        words += f" per {re.sub(r'^per ', '', grant.per)}"
    if grant.approval and grant.approval != grant.role:
        above = f" above {say_quantity(grant.approval_above)}" if grant.approval_above else ""
        words += f", with approval of {grant.approval}{above}"
    return f"{words} (nobody else)" if grant.is_exclusive else words


def latest_corrections(
    corrections: Sequence[AuthorityCorrection],
) -> dict[tuple[str, str, str], AuthorityCorrection]:
    """The newest correction of each clause in each wording, by (company, id, wording)."""
    ordered = sorted(corrections, key=lambda correction: correction.at)
    return {(c.company, c.clause_id, c.wording): c for c in ordered}
