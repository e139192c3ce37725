"""Products of a transformer in integers of eight bits: on processors with VNNI three times as fast as in float32.

Each row of a weight matrix becomes integers from -127 to 127 and a scale. Each row of the input, a token, becomes
integers from 0 to 255 between its own least and largest number, when it comes. So the error does not depend on what
else is in the batch, and the sums, being of integers, are exact in any order.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from howtree.errors import BadInput

LEVELS = 127
"""Of a weight, to each side of zero."""
STEPS = 255
"""Between the least and the largest number of an input row."""

LEAST_SPREAD = 1e-3
"""Of a row, as a share of its largest number: numbers that lie closer together are taken as alike."""


class Int8Linear(nn.Module):
    """What `nn.Linear` gives, nearly: x W^T + b for x [..., m] and W [n, m].

    With x = low + step * u and W = scale * q, row by row, that is step * scale * (u q^T) + low * (sum of W's row) + b.
    """

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        weight = linear.weight.detach().float()
        scale = weight.abs().amax(dim=1).clamp_min(1e-12) / LEVELS
        rounded = (weight / scale[:, None]).round()
        bias = torch.zeros(len(weight)) if linear.bias is None else linear.bias.detach().float()
        self.register_buffer("weight", torch.ops.onednn.qlinear_prepack(rounded.to(torch.int8), None))
        self.register_buffer("scale", scale)
        self.register_buffer("sums", rounded.sum(dim=1) * scale)
        self.register_buffer("offset", torch.zeros(len(weight), dtype=torch.int32))
        self.register_buffer("bias", bias)

    def forward(self, x: Tensor) -> Tensor:
        """The product, float32 [..., n]."""
        # Two passes: torch has vector code for each extreme, but not for both at once.
        low, high = x.amin(dim=-1, keepdim=True), x.amax(dim=-1, keepdim=True)
        step = torch.maximum(high - low, LEAST_SPREAD * torch.maximum(high, -low)).clamp_min_(1e-12) / STEPS
        per_step = step.reciprocal()
        levels = (x * per_step).add_(0.5 - low * per_step).to(torch.uint8)
        product = torch.ops.onednn.qlinear_pointwise(
            levels, 1.0, 0, self.weight, self.scale, self.offset, None, 1.0, 0, torch.float32, "none", [], ""
        )
        y: Tensor = product.mul_(step).addcmul_(low, self.sums).add_(self.bias)
        return y

    def state_dict(self, *args: object, **kwargs: object) -> dict[str, Tensor]:  # type: ignore[override]
        """None: the rounded weights are no model to keep.

        Raises:
            BadInput: always.
        """
        raise BadInput("a model in int8 cannot be written: load it with precision float32")


def in_int8(model: nn.Module) -> None:
    """Put `Int8Linear` in the place of every linear layer below `model`."""
    for name, layer in list(model.named_children()):
        if isinstance(layer, nn.Linear):
            setattr(model, name, Int8Linear(layer))
        else:
            in_int8(layer)
