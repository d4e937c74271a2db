"""Run the same weights in PyTorch's own recurrent modules."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from benchmarks.peers.engines.opened import Opened
from benchmarks.peers.workloads import EMBEDDING, Network, Workload

Weights = Mapping[str, NDArray[np.float32]]
_MODULES: dict[str, type[nn.RNNBase]] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
# Keras's gates to PyTorch's order: z, r, h to r, z, n; i, f, c, o is i, f, g, o.
_GATES = {"rnn": [0], "gru": [1, 0, 2], "lstm": [0, 1, 2, 3]}


def open_network(path: Path, workload: Workload, variant: str) -> Opened:
    """Open the file of the weights, ``path``, as ``eager``, ``script`` or ``compile``."""
    torch.set_num_threads(workload.threads)
    torch.set_num_interop_threads(1)
    with np.load(path) as file:
        weights = dict(file)
    network: Any = Stack(workload.network, weights).eval()
    features = workload.network.features
    shape = (workload.batch, 1 if workload.streams else workload.network.steps)
    example = torch.ones(shape, dtype=torch.int32) if features is None else torch.zeros((*shape, features))
    with torch.inference_mode():
        state = tuple(map(torch.zeros_like, network(example)[1:])) if workload.streams else ()
        if variant == "script":
            # For any batch and length: each recurrent module is one node.
            network = torch.jit.freeze(torch.jit.trace(network, (example, state)))
    if variant == "compile":
        # As it comes: the recurrent modules fall out of the graph and run as in eager mode. With allow_rnn, which takes
        # them in, compiling 100 steps took more than two minutes.
        network = torch.compile(network)

    def call(inputs: NDArray[Any]) -> NDArray[np.float32]:
        nonlocal state
        with torch.inference_mode():
            answer, *after = network(torch.from_numpy(inputs), state)
        if workload.streams:
            state = tuple(after)
        result: NDArray[np.float32] = answer.numpy()
        return result

    return Opened(call, sum(value.nbytes for value in weights.values()), carries=workload.streams)


class Stack(nn.Module):
    """Build the network, with one module for each run of layers of the same units, as ``num_layers`` stacks them."""

    def __init__(self, network: Network, weights: Weights) -> None:
        super().__init__()
        self.cell, self.masked, self.head = network.cell, network.masked, network.head
        table = weights.get("embedding")
        self.embedding = None if table is None else nn.Embedding.from_pretrained(torch.from_numpy(table))
        width, first, modules = network.features or EMBEDDING, 0, []
        for units, run in itertools.groupby(network.units):
            layers = len(list(run))
            module = _MODULES[self.cell](width, units, num_layers=layers, batch_first=True)
            module.load_state_dict(_state_dict(self.cell, weights, first, layers))
            modules.append(module)
            width, first = units, first + layers
        self.recurrent = nn.ModuleList(modules)
        self.dense = nn.Linear(width, network.outputs)
        kernel, bias = (torch.from_numpy(weights[f"dense/{name}"]) for name in ("kernel", "bias"))
        self.dense.load_state_dict({"weight": kernel.T, "bias": bias})

    def forward(self, inputs: Tensor, state: tuple[Tensor, ...] = ()) -> tuple[Tensor, ...]:
        """Answer, with each module's h (and c) behind the last step; ``state`` are those before the first."""
        x: Any = inputs if self.embedding is None else self.embedding(inputs)
        if self.masked:
            lengths = (inputs != 0).sum(1)  # rows are padded at their end
            x = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        after: list[Tensor] = []
        each = 2 if self.cell == "lstm" else 1
        for index, module in enumerate(self.recurrent):
            given: Any = state[index * each : (index + 1) * each] or None
            x, behind = module(x, given if given is None or each == 2 else given[0])
            after += behind if each == 2 else [behind]
        answer = self.dense(after[-each][-1])
        if self.head == "binary":
            answer = torch.sigmoid(answer)
        elif self.head == "multiclass":
            answer = torch.softmax(answer, 1)
        return (answer, *after)


def _state_dict(cell: str, weights: Weights, first: int, layers: int) -> dict[str, Tensor]:
    """Return the weights of so many layers from the ``first`` on, in PyTorch's names and order."""
    found: dict[str, Tensor] = {}
    for layer in range(layers):
        kernel, recurrent, bias = (weights[f"{first + layer}/{name}"] for name in ("kernel", "recurrent", "bias"))
        # A GRU of Keras (reset_after) has a bias for each of the two products, the others one for both.
        biases = bias if bias.ndim == 2 else np.stack([bias, np.zeros_like(bias)])
        arrays = {"weight_ih": kernel.T, "weight_hh": recurrent.T, "bias_ih": biases[0], "bias_hh": biases[1]}
        for name, array in arrays.items():
            gates = np.split(array, len(_GATES[cell]))
            found[f"{name}_l{layer}"] = torch.from_numpy(np.concatenate([gates[gate] for gate in _GATES[cell]]))
    return found
