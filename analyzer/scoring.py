"""One number for a call by a scorecard: 100 is a clean one, and every point lost has its mark."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from analyzer.domain import Analysis, Severity, Tactic, Verdict, describe
from analyzer.errors import ConfigError

DEFAULT = Path(__file__).parent / "data" / "scorecard.yaml"
_LARGEST = 100_000

Points = Annotated[float, Field(ge=0, le=100)]


class _Card(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class KnockOut(_Card):
    """What takes a score down whatever else the call holds; every field given has to fit.

    Attributes:
        name: In the words that a person is to read.
        verdict: Of a commitment that was not withdrawn.
        tactic: Of a stonewall.
        severity: Of a stonewall, at least.
        score: The most that is left.
    """

    name: str
    verdict: Verdict | None = None
    tactic: Tactic | None = None
    severity: Severity | None = None
    score: int = Field(default=0, ge=0, le=100)


class Scorecard(_Card):
    """What counts and how much; the file that comes with Wordbond explains each.

    Attributes:
        name: The scorecard's.
        version: Raised when it changes.
        start: The score of a clean call.
        verdicts: What a commitment costs, by verdict.
        withdrawn_share: Share of that for one taken back in the call.
        stonewalls: What a stonewall costs, by severity.
        tactics: What a tactic costs beside that.
        knock_outs: What takes the score down.
    """

    name: str
    version: int = Field(ge=1)
    start: int = Field(default=100, ge=0, le=100)
    verdicts: Mapping[Verdict, Points] = {}
    withdrawn_share: float = Field(default=1.0, ge=0, le=1)
    stonewalls: Mapping[Severity, Points] = {}
    tactics: Mapping[Tactic, Points] = {}
    knock_outs: tuple[KnockOut, ...] = ()

    @property
    def key(self) -> str:
        """Name and version, as a result says by what it was scored."""
        return f"{self.name}@{self.version}"


@dataclass(frozen=True)
class Part:
    """What one mark does to a score.

    Attributes:
        mark: Id of the commitment, or ``turns 4 to 8`` for a stonewall.
        why: In words.
        points: What it takes off; 0 for a knock-out, which sets a ceiling instead.
        ceiling: The most that is left, for a knock-out.
    """

    mark: str
    why: str
    points: float
    ceiling: int | None = None


@dataclass(frozen=True)
class Score:
    """A score with what it is made of: ``start`` less all points, under every ceiling, not below 0.

    Attributes:
        total: 0 to 100.
        start: Of a clean call.
        parts: What took points off, in the order of the call.
    """

    total: int
    start: int
    parts: tuple[Part, ...]


@lru_cache(maxsize=8)
def load_scorecard(path: Path | None = None) -> Scorecard:
    """Read a scorecard; the one that comes with Wordbond where none is named.

    Raises:
        ConfigError: If it cannot be read; the message names the field.
    """
    place = path or DEFAULT
    try:
        text = place.read_text(encoding="utf-8")
        return Scorecard.model_validate(yaml.safe_load(text[:_LARGEST]))
    except OSError as error:
        raise ConfigError(
            f"The scorecard {place} cannot be read ({error.strerror}); correct WORDBOND_SCORECARD."
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise ConfigError(
            f"The scorecard {place}{line} is no YAML; write it like analyzer/data/scorecard.yaml."
        ) from error
    except ValidationError as error:
        raise ConfigError(
            f"The scorecard {place} cannot be used: {describe(error)}; write it like "
            "analyzer/data/scorecard.yaml."
        ) from error


def score(analysis: Analysis, card: Scorecard | None = None) -> Score:
    """Score a call from its marks, with the parts of the score.

    Args:
        analysis: The call with its marks.
        card: What counts; the default one where None.
    """
    card = card or load_scorecard()
    parts: list[Part] = []
    for mark in analysis.commitments:
        verdict = mark.verdict
        cost = card.verdicts.get(verdict, 0.0) if verdict else 0.0
        if cost:
            share = 1.0 if mark.withdrawn_at is None else card.withdrawn_share
            taken_back = "" if mark.withdrawn_at is None else ", taken back in the call"
            parts.append(Part(mark.id, f"{verdict}{taken_back}", cost * share))
        parts += [
            Part(mark.id, knock.name, 0.0, knock.score)
            for knock in card.knock_outs
            if knock.verdict and knock.verdict == verdict and mark.withdrawn_at is None
        ]
    for wall in analysis.stonewalls:
        where = f"turns {wall.start} to {wall.end}"
        points = card.stonewalls.get(wall.severity, 0.0)
        parts.append(Part(where, f"stonewall of severity {wall.severity}", points))
        parts += [Part(where, t, card.tactics[t]) for t in wall.tactics if card.tactics.get(t)]
        parts += [
            Part(where, knock.name, 0.0, knock.score)
            for knock in card.knock_outs
            if (knock.tactic or knock.severity)
            and (knock.tactic is None or knock.tactic in wall.tactics)
            and (knock.severity is None or wall.severity >= knock.severity)
        ]
    left = card.start - sum(part.points for part in parts)
    ceiling = min((p.ceiling for p in parts if p.ceiling is not None), default=card.start)
    return Score(max(0, round(min(left, ceiling))), card.start, tuple(parts))


def score_call(analysis: Analysis, card: Scorecard | None = None) -> int:
    """The total alone; see :func:`score`."""
    return score(analysis, card).total
