"""The modules that read pairs: token ids, mask and sides -> logits. All else about them is in `cross`."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from linking.encode.device import unmixed


class Graded(nn.Module):
    """Yes/no heads on the mean of a transformer's last layer."""

    def __init__(self, transformer: Any, labels: int) -> None:
        super().__init__()
        self.transformer, self.labels = transformer, labels
        self.dropout = nn.Dropout(0.1)
        self.head = nn.Linear(transformer.config.hidden_size, labels)
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def forward(self, ids: Tensor, mask: Tensor, sides: Tensor) -> Tensor:
        """Logits [n, labels] of rows [n, length]: token ids, 1 where there is a token, 0 or 1 for the side."""
        states = self.transformer(input_ids=ids, attention_mask=mask, token_type_ids=sides).last_hidden_state
        with unmixed(ids.device.type):
            # The last bits of sums depend on the other rows; of float64 they are lost when the logits become float32.
            real = torch.float32 if self.training else torch.float64
            states, weight = states.to(real), mask[..., None].to(real)
            mean = self.dropout((states * weight).sum(1) / weight.sum(1))
            logits: Tensor = nn.functional.linear(mean, self.head.weight.to(real), self.head.bias.to(real))
        return logits


class OneLabel(nn.Module):
    """A classifier of one label, as sentence-transformers runs it."""

    labels = 1

    def __init__(self, classifier: Any) -> None:
        super().__init__()
        self.classifier = classifier
        self.has_sides = int(getattr(classifier.config, "type_vocab_size", 0) or 0) > 1

    def forward(self, ids: Tensor, mask: Tensor, sides: Tensor) -> Tensor:
        """Logits [n, 1] of rows [n, length]."""
        more = {"token_type_ids": sides} if self.has_sides else {}
        logits: Tensor = self.classifier(input_ids=ids, attention_mask=mask, **more).logits
        return logits
