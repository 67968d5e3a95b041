"""Scores ``model.onnx`` as shipped: verdicts, agreement with fp32, milliseconds a pair.

    measure.py data.json OUT [--hold a,b]
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import onnxruntime as ort
from tokenizers import Tokenizer
from train import conflict_of, encode, evaluate, pad


class Onnx:
    """A file of ``train.export`` under the face that ``evaluate`` calls."""

    def __init__(self, path: Path, threads: int = 2) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def eval(self) -> None:
        """Nothing to switch."""

    def __call__(self, ids, mask, types):
        import torch

        names = ("input_ids", "attention_mask", "token_type_ids")
        return torch.from_numpy(self.session.run(None, dict(zip(names, (x.numpy() for x in (ids, mask, types)), strict=True)))[0])


def main() -> None:
    a = argparse.ArgumentParser()
    a.add_argument("data", type=Path)
    a.add_argument("out", type=Path)
    a.add_argument("--hold", default="")
    a.add_argument("--most", type=int, default=208)
    a.add_argument("--quick", action="store_true", help="agreement and speed alone")
    args = a.parse_args()
    data = json.loads(args.data.read_text())
    tok = Tokenizer.from_file(str(args.out / "tokenizer.json"))
    tok.no_truncation()
    tok.no_padding()
    hold = set(args.hold.split(","))
    small = Onnx(args.out / "model.onnx")
    if not args.quick:
        evaluate(small, tok, [r for r in data["rows"] if r["group"] in hold], data["tests"], args.most)
    rows = [r for r in data["rows"] if r["group"] in hold or r["kind"] == "pair"][:160]
    enc = [encode(tok, r["a"], r["b"], args.most) for r in rows]
    enc.sort(key=lambda e: len(e[0]))
    big = Onnx(args.out / "fp32.onnx")
    parts = [pad(enc[i : i + 8]) for i in range(0, len(enc), 8)]
    began = time.perf_counter()
    small_out = np.concatenate([small(*p).numpy() for p in parts])
    took = time.perf_counter() - began
    big_out = np.concatenate([big(*p).numpy() for p in parts])
    p, q = conflict_of(small_out), conflict_of(big_out)
    print(json.dumps({"pairs": len(enc), "ms_per_pair": round(1000 * took / len(enc), 2), "same_verdict": float((small_out[:, :5].argmax(1) == big_out[:, :5].argmax(1)).mean()), "mean_abs_dP": float(np.abs(p - q).mean()), "max_abs_dP": float(np.abs(p - q).max()), "r": float(np.corrcoef(p, q)[0, 1]), "bytes": (args.out / "model.onnx").stat().st_size}))


if __name__ == "__main__":
    main()
