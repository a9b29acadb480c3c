"""Weights as 8-bit integers: each block of a matrix, and each row of the embeddings, with a scale of its own.

ONNX Runtime's dynamic quantisation would have one range for all embeddings and for all utterances of a batch: an utterance's scores would
depend on its neighbours'. Here they do not.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import NodeProto, helper, numpy_helper

#: Neighbours along a matrix's inner dimension that share a scale.
BLOCK = 128
_MIDDLE = 128
_LARGEST = 127
#: Activations stay in float32.
_ACCURACY_LEVEL = 1
#: Smaller ones stay as they are.
_WORTH_IT = 100_000


def quantise(whole: Path, small: Path) -> None:
    """Write the graph `whole` with its large matrices and embeddings in 8 bits."""
    model = onnx.load(whole)
    graph = model.graph
    weights = {tensor.name: tensor for tensor in graph.initializer if np.prod(tensor.dims) >= _WORTH_IT}
    nodes: list[NodeProto] = []
    for node in graph.node:
        if node.op_type == "MatMul" and node.input[1] in weights:
            node = _matmul(graph, node, weights[node.input[1]])
        elif node.op_type == "Gather" and node.input[0] in weights:
            nodes += _gather(graph, node, weights[node.input[0]])
            continue
        nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
    used = {name for node in nodes for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    onnx.save(model, small)


def _rounded(values: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    scales = np.maximum(np.abs(values).max(axis=-1), np.float32(1e-12)) / _LARGEST
    return (np.rint(values / scales[..., None]) + _MIDDLE).astype(np.uint8), scales.astype(np.float32)


def _matmul(graph: onnx.GraphProto, node: NodeProto, weights: onnx.TensorProto) -> NodeProto:
    matrix = numpy_helper.to_array(weights)
    inner, outer = matrix.shape
    packed, scales = _rounded(np.ascontiguousarray(matrix.T).reshape(outer, inner // BLOCK, BLOCK))
    names = [f"{weights.name}_packed", f"{weights.name}_scales"]
    graph.initializer.extend([numpy_helper.from_array(packed, names[0]), numpy_helper.from_array(scales, names[1])])
    sizes = {"K": inner, "N": outer, "bits": 8, "block_size": BLOCK, "accuracy_level": _ACCURACY_LEVEL}
    return helper.make_node("MatMulNBits", [node.input[0], *names], node.output, node.name, domain="com.microsoft", **sizes)


def _gather(graph: onnx.GraphProto, node: NodeProto, weights: onnx.TensorProto) -> list[NodeProto]:
    packed, scales = _rounded(numpy_helper.to_array(weights))
    name = weights.name
    graph.initializer.append(numpy_helper.from_array(packed, f"{name}_packed"))
    graph.initializer.append(numpy_helper.from_array(scales[:, None], f"{name}_scales"))
    graph.initializer.append(numpy_helper.from_array(np.array(_MIDDLE, np.float32), f"{name}_middle"))
    return [
        helper.make_node("Gather", [f"{name}_packed", node.input[1]], [f"{name}_rows"]),
        helper.make_node("Cast", [f"{name}_rows"], [f"{name}_wide"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Sub", [f"{name}_wide", f"{name}_middle"], [f"{name}_centred"]),
        helper.make_node("Gather", [f"{name}_scales", node.input[1]], [f"{name}_own_scales"]),
        helper.make_node("Mul", [f"{name}_centred", f"{name}_own_scales"], node.output),
    ]
