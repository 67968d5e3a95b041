"""Turns an encoder into the packaged form: one int8 ONNX file with pooling in its graph.

    pip install torch transformers onnx onnxruntime
    python eval/make_encoder.py ORIGINAL_FOLDER OUT_FOLDER

``ORIGINAL_FOLDER`` holds ``model.safetensors`` and ``config.json`` of all-MiniLM-L6-v2. Pooling and
normalisation go into the graph; weights are quantised per channel, activations dynamically. The
encoder in the package is trained further first (``eval/training/finetune.py``, which exports by
the function here). None of these packages is needed to run Wordbond.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from pathlib import Path
from typing import Any

ORIGINAL = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def check_original(folder: Path) -> None:
    """Stop if a folder does not hold the original's weights."""
    found = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    if found != ORIGINAL:
        sys.exit(f"{folder / 'model.safetensors'} is not the original: {found}")


def export(model: Any, target: Path) -> None:
    """Write ``target/model.onnx`` and print its hash.

    Args:
        model: An encoder of ``transformers``, in evaluation mode.
        target: A folder, made if it is not there.
    """
    import torch  # type: ignore[import-not-found] # none of the project's packages
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Sentence(torch.nn.Module):  # type: ignore[misc] # as torch is not known here
        """The encoder with mean pooling over the tokens and L2 normalisation."""

        def __init__(self) -> None:
            super().__init__()
            self.encoder = model

        def forward(
            self,
            input_ids: torch.Tensor,
            attention_mask: torch.Tensor,
            token_type_ids: torch.Tensor,
        ) -> torch.Tensor:
            """Token ids to unit vectors."""
            hidden = self.encoder(
                input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
            ).last_hidden_state
            mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
            mean = (hidden * mask).sum(1) / mask.sum(1).clamp(min=1e-9)
            return torch.nn.functional.normalize(mean, dim=1)

    names = ["input_ids", "attention_mask", "token_type_ids"]
    example = tuple(torch.ones((2, 8), dtype=torch.long) for _ in names)
    axes = {name: {0: "batch", 1: "tokens"} for name in names} | {
        "sentence_embedding": {0: "batch"}
    }
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        full, ready = Path(scratch) / "full.onnx", Path(scratch) / "ready.onnx"
        torch.onnx.export(
            Sentence(), example, str(full), input_names=names, dynamo=False,
            output_names=["sentence_embedding"], dynamic_axes=axes, opset_version=17,
        )  # fmt: skip
        quant_pre_process(str(full), str(ready), skip_symbolic_shape=True)
        quantize_dynamic(
            str(ready), str(target / "model.onnx"), weight_type=QuantType.QInt8, per_channel=True
        )
    print(hashlib.sha256((target / "model.onnx").read_bytes()).hexdigest(), target / "model.onnx")


def main(arguments: list[str]) -> int:
    """Check the original and export it as it is."""
    from transformers import AutoModel  # type: ignore[import-not-found] # as torch

    source, target = Path(arguments[0]), Path(arguments[1])
    check_original(source)
    export(AutoModel.from_pretrained(str(source), attn_implementation="eager").eval(), target)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
