from __future__ import annotations

import pytest
import torch

from sottovoce.weights.arithmetic import autocast, place

CPU = torch.device("cpu")


@pytest.mark.parametrize("channels_of_a_group", [4, 8, 16, 48])
def test_grouped_convolutions_stay_near_fp32_in_bf16(channels_of_a_group: int):
    """As a wav2vec 2.0 has them for positions; some processors with AMX gave noise for narrow groups."""
    n = 2 * channels_of_a_group
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(n, n), torch.nn.ReLU())
    positions = torch.nn.Conv1d(n, n, 16, padding=8, groups=2)
    X = torch.randn(2, 60, n)
    with torch.inference_mode():
        exact = positions(network(X).transpose(1, 2))
        for part in (network, positions):
            place(part, CPU, "bf16")
        with autocast(CPU, "bf16"):
            rounded = positions(network(X).transpose(1, 2))
    assert next(network.parameters()).dtype == torch.bfloat16
    assert torch.cosine_similarity(rounded.float().flatten(), exact.flatten(), dim=0) > 0.999
