"""The head that gives a text's tokens short vectors and weights, on top of the bi-encoder's token states."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from howtree.errors import BadInput
from howtree.files import written_aside
from linking.encode.device import unmixed
from linking.encode.tokens import DIMENSION


class TokenHead(nn.Module):
    """Token states -> unit vectors and positive weights; and how a pair's three scores are mixed in training."""

    def __init__(self, states: int) -> None:
        super().__init__()
        self.vector = nn.Linear(states, DIMENSION, bias=False)
        self.weight = nn.Linear(states, 2)
        self.mix = nn.Parameter(torch.tensor([10.0, 5.0, 5.0]))
        # Orthogonal rows nearly keep the states' angles, and equal weights count every word alike: a fair start.
        nn.init.orthogonal_(self.vector.weight)
        nn.init.zeros_(self.weight.weight)
        nn.init.zeros_(self.weight.bias)

    def forward(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """Unit vectors [n, tokens, DIMENSION] and weights [n, tokens, 2] of states [n, tokens, d], in float32."""
        with unmixed(states.device.type):
            states = states.float()
            vectors = nn.functional.normalize(self.vector(states), dim=-1)
            return vectors, nn.functional.softplus(self.weight(states))


def save_head(head: TokenHead, path: Path) -> None:
    """Write a head as safetensors."""
    from safetensors.torch import save_file

    with written_aside(path) as aside:
        save_file({name: tensor.contiguous() for name, tensor in head.state_dict().items()}, str(aside))


def load_head(path: Path) -> TokenHead:
    """Read a head.

    Raises:
        BadInput: the file is no head.
    """
    from safetensors.torch import load_file

    try:
        tensors = load_file(str(path))
        head = TokenHead(tensors["vector.weight"].shape[1])
        head.load_state_dict(tensors)
    except (OSError, KeyError, RuntimeError, ValueError) as error:
        raise BadInput(f"{path} holds no token head: restore the file, or train the encoder again") from error
    return head.eval()
