"""What an address was found to take, found out once and remembered for each model there."""

from __future__ import annotations

import json
import os
import tempfile
import threading
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal, get_args

Mode = Literal["json_schema", "json_object", "tools", "plain"]
Feature = Literal["mode", "temperature", "limit"]

_ORDER: tuple[Mode, ...] = get_args(Mode)


@dataclass(frozen=True)
class Ability:
    """How a model can be asked.

    Attributes:
        mode: How it is asked for JSON, the strictest way first.
        takes_temperature: Whether a temperature may be set.
        takes_limit: Whether the length of an answer may be bounded.
    """

    mode: Mode = "json_schema"
    takes_temperature: bool = True
    takes_limit: bool = True

    def without(self, feature: Feature) -> Ability | None:
        """The next thing to try where a feature was refused; None if there is nothing left."""
        if feature == "temperature":
            return replace(self, takes_temperature=False) if self.takes_temperature else None
        if feature == "limit":
            return replace(self, takes_limit=False) if self.takes_limit else None
        following = _ORDER[_ORDER.index(self.mode) + 1 :]
        return replace(self, mode=following[0]) if following else None


class EndpointMemory:
    """Remembers the ability of one model at one address, in a file beside the database.

    Args:
        path: The file, JSON; None remembers for this process alone.
        key: Names address and model.
    """

    def __init__(self, path: Path | None, key: str) -> None:
        self._path = path
        self._key = key
        self._lock = threading.Lock()
        self.ability = self._load()

    def _read(self) -> dict[str, object]:
        if self._path is None:
            return {}
        try:
            known = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}

    def _load(self) -> Ability:
        known = self._read().get(self._key)
        if not isinstance(known, dict) or known.get("mode") not in _ORDER:
            return Ability()
        return Ability(
            mode=known["mode"],
            takes_temperature=bool(known.get("takes_temperature", True)),
            takes_limit=bool(known.get("takes_limit", True)),
        )

    def learn(self, tried: Ability, less: Ability) -> None:
        """Note that ``tried`` was refused and ``less`` comes next.

        Requests that were under way together learn the same thing once.
        """
        with self._lock:
            if self.ability != tried:
                return
            self.ability = less
            if self._path is None:
                return
            known = self._read() | {self._key: asdict(less)}
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=self._path.name)
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    json.dump(known, file, indent=1)
                Path(name).replace(self._path)
            except OSError:
                # What cannot be written is found out again by the next run.
                self._path = None
