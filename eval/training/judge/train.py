"""Trains the judge, a small cross-encoder, and writes it as int8 ONNX.

    train.py --data data.json --base MODEL_DIR --out OUT [--hold castlebar,…] [--epochs 5] [--freeze 3]

``data.json`` is what ``collect.py`` wrote; MODEL_DIR holds all-MiniLM-L6-v2 (``model.safetensors``, hash
checked, and ``tokenizer.json``). The embeddings and the lowest ``--freeze`` layers stay as they are: their output is
computed once and kept, so that an epoch costs the upper layers alone.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import random
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from sklearn.metrics import roc_auc_score
from tokenizers import Tokenizer
from torch import nn

VERDICTS = ("contradicted", "exceeds_authority", "conditions_unverified", "supported", "not_addressed")
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
HEADS, WIDTH, DEPTH = 12, 384, 6
#: How much an example counts, by where it is from.
WEIGHT = {"mark": 1.0, "pair": 1.0, "perturbed": 0.6, "mended": 0.6, "wrong": 0.4, "second": 0.0}


class Layer(nn.Module):
    """One transformer layer of BERT, its three projections in one."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.o = nn.Linear(WIDTH, WIDTH)
        self.n1 = nn.LayerNorm(WIDTH, eps=1e-12)
        self.up = nn.Linear(WIDTH, 4 * WIDTH)
        self.down = nn.Linear(4 * WIDTH, WIDTH)
        self.n2 = nn.LayerNorm(WIDTH, eps=1e-12)
        self.drop = nn.Dropout(0.1)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        b, n, _ = x.shape
        q, k, v = self.qkv(x).view(b, n, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4).unbind(0)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask.to(q.dtype)).transpose(1, 2).reshape(b, n, WIDTH)
        x = self.n1(x + self.drop(self.o(y)))
        return self.n2(x + self.drop(self.down(F.gelu(self.up(x)))))


class Judge(nn.Module):
    """MiniLM with a head over the two texts' means: five verdict logits and one conflict logit."""

    def __init__(self) -> None:
        super().__init__()
        self.word = nn.Embedding(30522, WIDTH)
        self.place = nn.Embedding(512, WIDTH)
        self.kind = nn.Embedding(2, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.layers = nn.ModuleList(Layer() for _ in range(DEPTH))
        self.hidden = nn.Linear(4 * WIDTH, WIDTH)
        self.drop = nn.Dropout(0.15)
        self.verdict = nn.Linear(WIDTH, len(VERDICTS) + 1)

    def load_base(self, path: Path) -> None:
        w = load_file(path)
        w = {k.removeprefix("bert."): v for k, v in w.items()}

        def put(module: nn.Module, name: str) -> None:
            module.weight.data.copy_(w[f"{name}.weight"])
            if getattr(module, "bias", None) is not None:
                module.bias.data.copy_(w[f"{name}.bias"])

        e = "embeddings"
        put(self.word, f"{e}.word_embeddings"), put(self.place, f"{e}.position_embeddings")
        put(self.kind, f"{e}.token_type_embeddings"), put(self.norm, f"{e}.LayerNorm")
        for i, layer in enumerate(self.layers):
            p = f"encoder.layer.{i}"
            names = [f"{p}.attention.self.{x}" for x in ("query", "key", "value")]
            layer.qkv.weight.data.copy_(torch.cat([w[f"{n}.weight"] for n in names]))
            layer.qkv.bias.data.copy_(torch.cat([w[f"{n}.bias"] for n in names]))
            put(layer.o, f"{p}.attention.output.dense"), put(layer.n1, f"{p}.attention.output.LayerNorm")
            put(layer.up, f"{p}.intermediate.dense"), put(layer.down, f"{p}.output.dense")
            put(layer.n2, f"{p}.output.LayerNorm")

    def lower(self, ids: torch.Tensor, mask: torch.Tensor, types: torch.Tensor, upto: int) -> torch.Tensor:
        x = self.norm(self.word(ids) + self.place.weight[: ids.shape[1]] + self.kind(types))
        for layer in self.layers[:upto]:
            x = layer(x, self.spread(mask))
        return x

    @staticmethod
    def spread(mask: torch.Tensor) -> torch.Tensor:
        return (1.0 - mask[:, None, None, :].float()) * -10000.0

    def upper(self, x: torch.Tensor, mask: torch.Tensor, types: torch.Tensor, since: int) -> torch.Tensor:
        wide = self.spread(mask)
        for layer in self.layers[since:]:
            x = layer(x, wide)
        x = x.float()
        b = (types * mask).float()
        a = mask.float() - b
        one = (x * a[..., None]).sum(1) / a.sum(1, keepdim=True).clamp(min=1)
        two = (x * b[..., None]).sum(1) / b.sum(1, keepdim=True).clamp(min=1)
        joined = torch.cat([x[:, 0], one, two, (one - two).abs()], 1)
        return self.verdict(self.drop(F.gelu(self.hidden(self.drop(joined)))))

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor) -> torch.Tensor:
        return self.upper(self.lower(input_ids, attention_mask, token_type_ids, DEPTH), attention_mask, token_type_ids, DEPTH)


def encode(tokenizer: Tokenizer, first: str, second: str, most: int) -> tuple[list[int], list[int]]:
    """Ids and types; the clause is cut only beyond 120 tokens, then the first text to fit."""
    a = tokenizer.encode(first, add_special_tokens=False).ids
    b = tokenizer.encode(second, add_special_tokens=False).ids[:120]
    a = a[: most - 3 - len(b)]
    return [101, *a, 102, *b, 102], [0] * (len(a) + 2) + [1] * (len(b) + 1)


def pad(items: list[tuple[list[int], list[int]]]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    n = max(len(i) for i, _ in items)
    ids, types, mask = (torch.zeros(len(items), n, dtype=torch.long) for _ in range(3))
    for r, (i, t) in enumerate(items):
        ids[r, : len(i)], types[r, : len(i)], mask[r, : len(i)] = torch.tensor(i), torch.tensor(t), 1
    return ids, mask, types


def batches(lengths: list[int], size: int, rng: random.Random | None) -> list[list[int]]:
    """Indices in batches of like length; shuffled where an rng is given."""
    order = list(range(len(lengths)))
    if rng:
        rng.shuffle(order)
        order = [i for s in range(0, len(order), size * 16) for i in sorted(order[s : s + size * 16], key=lambda i: lengths[i])]
    else:
        order.sort(key=lambda i: lengths[i])
    out = [order[s : s + size] for s in range(0, len(order), size)]
    if rng:
        rng.shuffle(out)
    return out


def predict(model: Judge, encoded: list, bf16: bool = True) -> np.ndarray:
    model.eval()
    out = np.zeros((len(encoded), len(VERDICTS) + 1), dtype=np.float32)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
        for part in batches([len(i) for i, _ in encoded], 32, None):
            out[part] = model(*pad([encoded[i] for i in part])).float().numpy()
    return out


def conflict_of(logits: np.ndarray) -> np.ndarray:
    """P(conflict): the mean of the five classes' and the binary output's."""
    p = np.exp(logits[:, :5] - logits[:, :5].max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    return 0.5 * (p[:, 0] + p[:, 1]) + 0.5 / (1 + np.exp(-logits[:, 5]))


def report(name: str, logits: np.ndarray, verdicts: list[str]) -> dict:
    p, y = conflict_of(logits), np.array([v in VERDICTS[:2] for v in verdicts])
    auc = roc_auc_score(y, p)
    best = 0.0
    for t in np.unique(p):
        hit = (p >= t) & y
        best = max(best, 2 * hit.sum() / ((p >= t).sum() + y.sum()))
    said = logits[:, :5].argmax(1)
    right = float(np.mean([VERDICTS[s] == v for s, v in zip(said, verdicts, strict=True)]))
    rng = np.random.default_rng(0)
    boot = [roc_auc_score(y[i], p[i]) for i in (rng.integers(0, len(y), len(y)) for _ in range(300)) if 0 < y[i].sum() < len(y)]
    row = {"set": name, "n": len(y), "conflicts": int(y.sum()), "auc": round(float(auc), 3), "ci": [round(float(x), 3) for x in np.percentile(boot, [2.5, 97.5])], "best_f1": round(float(best), 3), "accuracy": round(right, 3)}
    print(json.dumps(row), flush=True)
    return row


def evaluate(model: Judge, tokenizer: Tokenizer, rows: list[dict], tests: list[dict], most: int) -> None:
    marks = {}
    for r in rows:
        if r["kind"] in {"mark", "wrong", "second"}:
            m = marks.setdefault(r["mark"], {"verdict": r["truth"]})
            if r["kind"] == "mark" and "gold" not in m:
                m["gold"] = r
            if r["best"]:
                m["best"] = r
    ms = [m for m in marks.values() if "best" in m and "gold" in m]
    if ms:
        for which in ("gold", "best"):
            report(f"held-out, {which} clause", predict(model, [encode(tokenizer, m[which]["a"], m[which]["b"], most) for m in ms]), [m["verdict"] for m in ms])
    for src in ("dev", "airline"):
        ts = [t for t in tests if t["src"] == src]
        if not ts:
            continue
        for which in ("gold", "best"):
            picked = [t["inputs"][str(t["gold"] if which == "gold" and t["gold"] >= 0 else t["order"][0])] for t in ts]
            report(f"{src}, {which} clause", predict(model, [encode(tokenizer, *x, most) for x in picked]), [t["verdict"] for t in ts])
        flat = [encode(tokenizer, *t["inputs"][str(j)], most) for t in ts for j in t["order"][:3]]
        raw = predict(model, flat).reshape(len(ts), 3, -1)
        score = np.array([t["score"][:3] for t in ts])
        p = np.stack([conflict_of(raw[:, k]) for k in range(3)], 1)
        w = np.exp(20 * (score - score.max(1, keepdims=True)))
        w /= w.sum(1, keepdims=True)
        y = np.array([t["verdict"] in VERDICTS[:2] for t in ts])
        print(json.dumps({"set": f"{src}, 3 clauses", "auc_max": round(float(roc_auc_score(y, p.max(1))), 3), "auc_weighted": round(float(roc_auc_score(y, (w * p).sum(1))), 3)}), flush=True)


def train(model: Judge, rows: list[dict], tokenizer: Tokenizer, args: argparse.Namespace, check) -> None:
    rows = [r for r in rows if WEIGHT[r["kind"]] > 0]
    wrong = [r for r in rows if r["kind"] == "wrong"]
    random.Random(args.seed).shuffle(wrong)
    rows = [r for r in rows if r["kind"] != "wrong"] + wrong[: args.wrong]
    encoded = [encode(tokenizer, r["a"], r["b"], args.most) for r in rows]
    lengths = [len(i) for i, _ in encoded]
    target = torch.tensor([VERDICTS.index(r["verdict"]) for r in rows])
    weight = torch.tensor([WEIGHT[r["kind"]] for r in rows])
    mass = torch.zeros(5).index_add_(0, target, weight)
    balance = (mass.sum() / (5 * mass)) ** 0.5
    print("examples", len(rows), "mean tokens", np.mean(lengths), "class weights", balance.tolist(), flush=True)
    model.eval()
    began = time.time()
    kept: list[torch.Tensor] = [torch.empty(0)] * len(rows)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        for part in batches(lengths, 32, None):
            x = model.lower(*pad([encoded[i] for i in part]), args.freeze)
            for r, i in enumerate(part):
                kept[i] = x[r, : lengths[i]].to(torch.bfloat16).clone()
    print(f"lower layers {time.time() - began:.0f} s", flush=True)
    for p in model.parameters():
        p.requires_grad = False
    groups = []
    for i in range(args.freeze, DEPTH):
        ps = list(model.layers[i].parameters())
        groups.append({"params": ps, "lr": args.lr * 0.9 ** (DEPTH - 1 - i)})
    groups.append({"params": [*model.hidden.parameters(), *model.verdict.parameters()], "lr": args.lr * 5})
    for g in groups:
        for p in g["params"]:
            p.requires_grad = True
    best = torch.optim.AdamW(groups, weight_decay=0.01, betas=(0.9, 0.98))
    steps = args.epochs * math.ceil(len(rows) / args.batch)
    plan = torch.optim.lr_scheduler.LambdaLR(best, lambda s: min((s + 1) / (0.08 * steps), max(0.02, (steps - s) / (0.92 * steps))))
    rng = random.Random(args.seed)
    for epoch in range(args.epochs):
        model.train()
        total = 0.0
        for part in batches(lengths, args.batch, rng):
            _, mask, types = pad([encoded[i] for i in part])
            x = nn.utils.rnn.pad_sequence([kept[i] for i in part], batch_first=True)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = model.upper(x, mask, types, args.freeze)
            logits, y, w = logits.float(), target[part], weight[part]
            loss = F.cross_entropy(logits[:, :5], y, weight=balance, label_smoothing=0.05, reduction="none")
            loss = loss + 0.7 * F.binary_cross_entropy_with_logits(logits[:, 5], (y < 2).float() * 0.94 + 0.03, reduction="none")
            loss = (loss * w).sum() / w.sum()
            best.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_([p for g in groups for p in g["params"]], 1.0)
            best.step()
            plan.step()
            total += loss.item() * len(part)
        print(f"epoch {epoch + 1} loss {total / len(rows):.3f} {time.time() - began:.0f} s", flush=True)
        if args.keep:
            torch.save(model.state_dict(), args.out / "judge.pt")
        if check and (epoch + 1 in args.check or epoch + 1 == args.epochs):
            check()


def export(model: Judge, out: Path, sample: list) -> None:
    """Write ``model.onnx``: int8 weights, one scale a channel, activations scaled at run time."""
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.shape_inference import quant_pre_process

    model.eval()
    ids, mask, types = pad(sample[:2])
    names = ["input_ids", "attention_mask", "token_type_ids"]
    axes = {n: {0: "batch", 1: "length"} for n in names} | {"logits": {0: "batch"}}
    raw = out / "fp32.onnx"
    torch.onnx.export(model, (ids, mask, types), str(raw), input_names=names, output_names=["logits"], dynamic_axes=axes, opset_version=17, dynamo=False)
    quant_pre_process(str(raw), str(out / "pre.onnx"), skip_symbolic_shape=True)
    quantize_dynamic(str(out / "pre.onnx"), str(out / "model.onnx"), weight_type=QuantType.QInt8, per_channel=True)
    (out / "pre.onnx").unlink()


def main() -> None:
    a = argparse.ArgumentParser()
    a.add_argument("--data", type=Path, required=True)
    a.add_argument("--base", type=Path, required=True)
    a.add_argument("--out", type=Path, required=True)
    a.add_argument("--hold", default="")
    a.add_argument("--epochs", type=int, default=5)
    a.add_argument("--freeze", type=int, default=3)
    a.add_argument("--lr", type=float, default=1e-4)
    a.add_argument("--batch", type=int, default=24)
    a.add_argument("--wrong", type=int, default=450)
    a.add_argument("--most", type=int, default=208)
    a.add_argument("--keep", action="store_true", help="write judge.pt after every epoch")
    a.add_argument("--init", type=Path, help="a judge.pt to go on from")
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--threads", type=int, default=2)
    a.add_argument("--check", type=lambda s: [int(x) for x in s.split(",")], default=[])
    args = a.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    weights = args.base / "model.safetensors"
    if hashlib.sha256(weights.read_bytes()).hexdigest() != SHA256:
        raise SystemExit(f"{weights} is not all-MiniLM-L6-v2 as released")
    tokenizer = Tokenizer.from_file(str(args.base / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    data = json.loads(args.data.read_text())
    hold = {h for h in args.hold.split(",") if h}
    rows = [r for r in data["rows"] if r["group"] not in hold]
    held = [r for r in data["rows"] if r["group"] in hold]
    model = Judge()
    model.load_base(weights)
    if args.init:
        model.load_state_dict(torch.load(args.init))
    args.out.mkdir(parents=True, exist_ok=True)
    train(model, rows, tokenizer, args, lambda: evaluate(model, tokenizer, held, data["tests"], args.most))
    torch.save(model.state_dict(), args.out / "judge.pt")
    (args.out / "tokenizer.json").write_bytes((args.base / "tokenizer.json").read_bytes())
    export(model, args.out, [encode(tokenizer, r["a"], r["b"], args.most) for r in rows[:2]])
    print("written", args.out)


if __name__ == "__main__":
    main()
