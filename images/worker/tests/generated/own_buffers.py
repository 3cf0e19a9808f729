"""Layers of scripts' own with buffers: odd ones, and such as forward replaces or makes longer."""

from __future__ import annotations

CACHE = '''
class CacheRegistered(nn.Module):
    """Positions are kept in a buffer that is made anew when a batch is longer than all before."""

    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(12))
        self.grow(1)

    def grow(self, length):
        self.register_buffer("cache", torch.linspace(0, 1, 64)[:length], persistent=False)

    def forward(self, x):
        if len(x) > len(self.cache):
            self.grow(len(x))
        return x * self.gain + 0.1 * self.cache[: len(x), None].to(x.dtype)
'''


def odd(name: str, says: str, made: str, used: str) -> str:
    """A layer with one buffer; `used` are the lines of forward."""
    body = "\n".join(f"        {line}" for line in used.split("\n"))
    return f'''
class {name}(nn.Module):
    """{says}"""

    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(12))
        self.register_buffer("held", {made})

    def forward(self, x):
        x = x * self.gain
{body}
'''


CLASSES: dict[str, str] = {
    "CacheRegistered": CACHE,
    "CacheAssigned": '''
class CacheAssigned(CacheRegistered):
    def grow(self, length):
        if not hasattr(self, "cache"):
            super().grow(length)
        self.cache = torch.linspace(0, 1, 64)[:length].clone()
''',
    "CachePersistent": '''
class CachePersistent(CacheRegistered):
    def grow(self, length):
        self.register_buffer("cache", torch.linspace(0, 1, 64)[:length])
''',
    "LevelReplaced": odd(
        "LevelReplaced",
        "A running mean that is another tensor after every forward pass.",
        "torch.zeros(12)",
        "self.held = 0.9 * self.held + 0.1 * x.detach().mean(0)\nreturn x - self.held.to(x.dtype)",
    ),
    "Expanded": odd("Expanded", "One number in twelve places.", "torch.full((1,), 0.1).expand(12)", "return x + self.held.to(x.dtype)"),
    "Overlapping": odd(
        "Overlapping",
        "Windows onto one row of numbers.",
        "torch.linspace(0, 1, 15).as_strided((4, 12), (1, 1))",
        "return x + 0.1 * self.held.mean(0).to(x.dtype)",
    ),
    "Seen": odd(
        "Seen",
        "Which features were ever large.",
        "torch.zeros(12, dtype=torch.bool)",
        "self.held |= (x.detach() > 1).any(0)\nreturn x * (1 - 0.1 * self.held.to(x.dtype))",
    ),
    "Count": odd(
        "Count",
        "How many samples went through.",
        "torch.zeros((), dtype=torch.int64)",
        "self.held += len(x)\nreturn x / (1 + 0.001 * self.held).to(x.dtype)",
    ),
    "Spread": odd(
        "Spread",
        "A running size of the features.",
        "torch.ones(())",
        "self.held.mul_(0.9).add_(0.1 * x.detach().abs().mean().to(self.held.dtype))\nreturn x / (0.1 + self.held).to(x.dtype)",
    ),
    "Phase": odd(
        "Phase",
        "A complex number that turns with every pass.",
        "torch.polar(torch.ones(12), torch.linspace(0, 3, 12))",
        "self.held.mul_(torch.polar(torch.ones(12), torch.full((12,), 0.1)))\nreturn x + 0.1 * self.held.real.to(x.dtype)",
    ),
    "Short": odd(
        "Short",
        "A running mean in few bits.",
        "torch.zeros(12, dtype=torch.bfloat16)",
        "self.held.lerp_(x.detach().mean(0).bfloat16(), 0.1)\nreturn x - self.held.to(x.dtype)",
    ),
    "Inference": '''
class Inference(nn.Module):
    """A constant that was made in inference mode."""

    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(12))
        with torch.inference_mode():
            self.register_buffer("held", torch.linspace(0, 1, 12))

    def forward(self, x):
        return x * self.gain + self.held.clone().to(x.dtype)
''',
    "SparseBuffer": odd(
        "SparseBuffer",
        "A graph's matrix, sparse.",
        "torch.eye(12).roll(1, 0).to_sparse()",
        "return x + 0.1 * torch.sparse.mm(self.held.float(), x.float().t()).t().to(x.dtype)",
    ),
    "Eighth": odd(
        "Eighth",
        "A table in eight bits.",
        "torch.linspace(0, 1, 12).to(torch.float8_e4m3fn)",
        "return x + 0.1 * self.held.float().to(x.dtype)",
    ),
    "Late": '''
class Late(nn.Module):
    """A buffer that is registered only by the first forward pass."""

    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(12))

    def forward(self, x):
        if not hasattr(self, "level"):
            self.register_buffer("level", torch.zeros(12, dtype=x.dtype))
        self.level.lerp_(x.detach().mean(0).to(self.level.dtype), 0.2)
        return x * self.gain - self.level.to(x.dtype)
''',
}

BASES = {"CacheAssigned": "CacheRegistered", "CachePersistent": "CacheRegistered"}
"""What a class derives from."""
