"""Layers of scripts' own whose parameters, or what is kept beside them, are of a kind that some training code has."""

from __future__ import annotations

FOLLOWER = '''
class Follower(nn.Module):
    """A second layer follows the first, a little in every forward pass."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(12, 12), nn.Linear(12, 12)
        self.second.load_state_dict(self.first.state_dict())
        self.second.requires_grad_(False)

    @torch.no_grad()
    def follow(self):
        for mine, theirs in zip(self.second.parameters(), self.first.parameters()):
            mine.mul_(0.9).add_(theirs, alpha=0.1)

    def forward(self, x):
        self.follow()
        return torch.tanh(self.first(x) + self.second(x).detach())
'''

CLASSES: dict[str, str] = {
    "Recurrent": '''
class Recurrent(nn.Module):
    """Reads the features as a sequence of four."""

    def __init__(self, kind):
        super().__init__()
        self.cells = kind(3, 6, batch_first=True, bidirectional=True)

    def forward(self, x):
        return self.cells(x.unflatten(1, (4, 3)))[0][:, -1]
''',
    "Attention": '''
class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.heads = nn.MultiheadAttention(4, 2, dropout=0.1, batch_first=True)

    def forward(self, x):
        parts = x.unflatten(1, (3, 4))
        return (parts + self.heads(parts, parts, parts)[0]).flatten(1)
''',
    "Wave": '''
class Wave(nn.Module):
    """Complex weights and a complex phase."""

    def __init__(self):
        super().__init__()
        self.mix = nn.Parameter(torch.randn(12, 12, dtype=torch.cfloat) * 0.2)
        self.register_buffer("phase", torch.polar(torch.ones(12), torch.linspace(0, 3, 12)))

    def forward(self, x):
        return ((torch.complex(x, x.roll(1, -1)) @ self.mix) * self.phase).abs()
''',
    "Double": '''
class Double(nn.Module):
    """A layer that computes in more bits than the others."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(12, 12).double()

    def forward(self, x):
        return self.inner(x.double()).tanh().to(x.dtype)
''',
    "Halves": '''
class Halves(nn.Module):
    """A parameter of half the bits."""

    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(12, dtype=torch.float16))

    def forward(self, x):
        return x * self.gain.to(x.dtype)
''',
    "Turned": '''
class Turned(nn.Module):
    """A parameter that lies in memory column by column."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter((torch.randn(12, 12) * 0.3).t())

    def forward(self, x):
        return torch.tanh(x @ self.weight)
''',
    "Views": '''
class Views(nn.Module):
    """Two parameters in one piece of memory."""

    def __init__(self):
        super().__init__()
        flat = torch.randn(2, 12) * 0.3
        self.gain, self.bias = nn.Parameter(flat[0]), nn.Parameter(flat[1])

    def forward(self, x):
        return torch.tanh(x * (1 + self.gain) + self.bias)
''',
    "Scalars": '''
class Scalars(nn.Module):
    """A parameter without dimensions, and one without elements."""

    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(0.7))
        self.nothing = nn.Parameter(torch.empty(0, 3))

    def forward(self, x):
        return x * self.gain + self.nothing.sum()
''',
    "Unused": '''
class Unused(nn.Module):
    """One layer gets a gradient only now and then, another never."""

    def __init__(self):
        super().__init__()
        self.rare, self.never = nn.Linear(12, 12), nn.Linear(12, 12)

    def forward(self, x):
        return torch.tanh(self.rare(x)) if random.random() < 0.4 else x
''',
    "Follower": FOLLOWER,
    "FollowerByData": '''
class FollowerByData(Follower):
    def follow(self):
        for mine, theirs in zip(self.second.parameters(), self.first.parameters()):
            mine.data = 0.9 * mine.data + 0.1 * theirs.data
''',
    "FollowerReplaced": '''
class FollowerReplaced(Follower):
    @torch.no_grad()
    def follow(self):
        for name in ("weight", "bias"):
            moved = 0.9 * getattr(self.second, name) + 0.1 * getattr(self.first, name)
            setattr(self.second, name, nn.Parameter(moved, requires_grad=False))
''',
    "Codebook": '''
class Codebook(nn.Module):
    """Rounds to the nearest of eight vectors, which move towards what they stand for."""

    def __init__(self):
        super().__init__()
        self.codes = nn.Parameter(torch.randn(8, 12), requires_grad=False)
        self.register_buffer("uses", torch.ones(8, dtype=torch.int64))

    def forward(self, x):
        nearest = torch.cdist(x.detach().float(), self.codes.detach().float()).argmin(1)
        rounded = self.codes[nearest]
        with torch.no_grad():
            self.uses += torch.bincount(nearest, minlength=8)
            for row, code in zip(x.detach(), nearest.tolist()):
                self.codes[code].lerp_(row.to(self.codes.dtype), 0.1)
        return x + 0.1 * (rounded - x.detach())
''',
    "Extra": '''
class Extra(nn.Module):
    """Keeps a number beside its tensors, by the hooks that torch has for that."""

    def __init__(self):
        super().__init__()
        self.gain, self.scale = nn.Parameter(torch.ones(12)), 1.0

    def after_step(self):
        self.scale *= 0.99

    def get_extra_state(self):
        return {"scale": self.scale}

    def set_extra_state(self, state):
        self.scale = state["scale"]

    def forward(self, x):
        return x * self.gain * self.scale
''',
    "Versioned": '''
class Versioned(nn.Module):
    """Its second version keeps the logarithm of what the first kept."""

    _version = 2

    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.zeros(12))

    def forward(self, x):
        return x * self.gain.exp()

    def _load_from_state_dict(self, state, prefix, metadata, *others):
        if metadata.get("version", 1) < 2:
            state[prefix + "gain"] = state[prefix + "gain"].abs().clamp(min=1e-3).log()
        super()._load_from_state_dict(state, prefix, metadata, *others)
''',
}

BASES = {"FollowerByData": "Follower", "FollowerReplaced": "Follower"}
"""What a class derives from, where that stands here, too."""
