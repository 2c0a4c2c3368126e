from __future__ import annotations

import torch
from runs import LEARNED_FROM

from aernet.training.checkpoint import Checkpoint
from aernet.training.dataset import Pictures
from aernet.training.epochs import Epochs


class Elsewhere:
    """Stands for the processes of a GPU: weights are to be on another device than those of a checkpoint."""

    def to_device(self, network):
        return network.to("meta")


def test_a_resumed_optimizer_has_its_state_where_the_weights_are(settings, tmp_path):
    network = settings.build()
    optimizer = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate)
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    steps = {"total_steps": 2 * settings.epochs}
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, settings.learning_rate, **steps)
    checkpoint = Checkpoint(
        settings, LEARNED_FROM, network.state_dict(), optimizer.state_dict(), schedule.state_dict(), [], 0.5
    )
    empty = torch.zeros(16, 3, 1, 1, dtype=torch.uint8)
    pictures = Pictures([str(number) for number in range(16)], empty, empty[:, :1])
    epochs = Epochs(
        Elsewhere(), settings, tmp_path, network, pictures, pictures, LEARNED_FROM, [], taught=False
    )
    epochs.resume(checkpoint)
    state = epochs._optimizer.state
    assert len(state) == len(list(network.parameters()))
    for parameter, moments in state.items():
        assert {parameter.device.type, moments["exp_avg"].device.type} == {"meta"}
        assert moments["exp_avg_sq"].device.type == "meta"
