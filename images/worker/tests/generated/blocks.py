"""Layers that map (samples, WIDTH) to (samples, WIDTH): how each is made, and the class it needs where torch has none."""

from __future__ import annotations

from dataclasses import dataclass

from . import own_buffers, own_layers

WIDTH = 12


@dataclass(frozen=True)
class Block:
    """`layers` go into an `nn.Sequential`; `classes` name what stands in own_layers.py or own_buffers.py."""

    layers: str
    classes: tuple[str, ...] = ()


def block(layers: str, *classes: str) -> Block:
    return Block(layers, classes)


def own(name: str, *args: str) -> Block:
    return Block(f"{name}({', '.join(args)})", (name,))


def image(layer: str) -> Block:
    return Block(f"nn.Unflatten(1, (3, 2, 2)), {layer}, nn.Flatten()")


def signal(layer: str) -> Block:
    return Block(f"nn.Unflatten(1, (3, 4)), {layer}, nn.Flatten()")


BLOCKS: dict[str, Block] = {
    "linear": block("nn.Linear(12, 12), nn.Tanh()"),
    "conv1d": signal("nn.Conv1d(3, 3, 3, padding=1)"),
    "conv2d": image("nn.Conv2d(3, 3, 3, padding=1)"),
    "depthwise": image("nn.Conv2d(3, 3, 1, groups=3, bias=False)"),
    "transposed-conv": image("nn.ConvTranspose2d(3, 3, 3, padding=1)"),
    "batchnorm": signal("nn.BatchNorm1d(3)"),
    "batchnorm-average": signal("nn.BatchNorm1d(3, momentum=None)"),
    "batchnorm2d": image("nn.BatchNorm2d(3, affine=False)"),
    "layernorm": block("nn.LayerNorm(12)"),
    "groupnorm": block("nn.GroupNorm(3, 12)"),
    "instancenorm": signal("nn.InstanceNorm1d(3, affine=True, track_running_stats=True)"),
    "dropout": block("nn.Linear(12, 12), nn.Dropout(0.3)"),
    "alpha-dropout": block("nn.SELU(), nn.AlphaDropout(0.2)"),
    "dropout1d": signal("nn.Dropout1d(0.3)"),
    "feature-dropout": signal("nn.FeatureAlphaDropout(0.2)"),
    "rrelu": block("nn.RReLU()"),
    "prelu": block("nn.PReLU()"),
    "lazy": block("nn.LazyLinear(12)"),
    "rnn": own("Recurrent", "nn.RNN"),
    "lstm": own("Recurrent", "nn.LSTM"),
    "gru": own("Recurrent", "nn.GRU"),
    "attention": own("Attention"),
    "transformer": signal("nn.TransformerEncoderLayer(4, 2, 8, dropout=0.2, batch_first=True)"),
    "spectral-old": block("nn.utils.spectral_norm(nn.Linear(12, 12))"),
    "spectral": block("parametrizations.spectral_norm(nn.Linear(12, 12))"),
    "weight-norm-old": block("nn.utils.weight_norm(nn.Linear(12, 12))"),
    "weight-norm": block("parametrizations.weight_norm(nn.Linear(12, 12))"),
    "orthogonal": block("parametrizations.orthogonal(nn.Linear(12, 12))"),
    "complex": own("Wave"),
    "mixed": own("Double"),
    "float16": own("Halves"),
    "turned": own("Turned"),
    "views": own("Views"),
    "scalars": own("Scalars"),
    "unused": own("Unused"),
    "follower-in-place": own("Follower"),
    "follower-data": own("FollowerByData"),
    "follower-replaced": own("FollowerReplaced"),
    "codebook": own("Codebook"),
    "cache-registered": own("CacheRegistered"),
    "cache-assigned": own("CacheAssigned"),
    "cache-persistent": own("CachePersistent"),
    "level-replaced": own("LevelReplaced"),
    "buffer-expanded": own("Expanded"),
    "buffer-overlapping": own("Overlapping"),
    "buffer-bool": own("Seen"),
    "buffer-count": own("Count"),
    "buffer-scalar": own("Spread"),
    "buffer-complex": own("Phase"),
    "buffer-bfloat16": own("Short"),
    "buffer-inference": own("Inference"),
    "buffer-sparse": own("SparseBuffer"),
    "buffer-float8": own("Eighth"),
    "buffer-late": own("Late"),
    "extra-state": own("Extra"),
    "versioned": own("Versioned"),
}


CLASSES = {**own_layers.CLASSES, **own_buffers.CLASSES}
BASES = {**own_layers.BASES, **own_buffers.BASES}


def classes(names: list[str]) -> list[str]:
    """The sources of what these blocks need, each once, and before what derives from it."""
    needed: list[str] = []
    for name in names:
        for found in BLOCKS[name].classes:
            needed += [item for item in (BASES.get(found), found) if item is not None and item not in needed]
    return [CLASSES[name] for name in needed]
