"""What a script makes before its loop: data, model, optimizer, schedule, and the objects that it registers beside them."""

from __future__ import annotations

from .optimizers import OPTIMIZERS, SCHEDULERS
from .program import Program

DATASET = '''
class Samples:
    """A map-style dataset{says}."""

    def __init__(self, x, y):
        self.x, self.y = x, y

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return {item}
'''

AVERAGE = '''
class Average(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.values = nn.ParameterList([p.detach().clone() for p in model.parameters()])
        self.requires_grad_(False)

    @torch.no_grad()
    def update_parameters(self, model):
        for own, value in zip(self.values, model.parameters()):
            if own.shape == value.shape:
                own.mul_(0.9).add_(value, alpha=0.1)
'''

WEIGHED = '''
class Weighed(nn.Module):
    """Two losses, by weights that are trained."""

    def __init__(self):
        super().__init__()
        self.log_variance = nn.Parameter(torch.zeros(2))

    def forward(self, first, second):
        return (torch.stack([first, second]) * torch.exp(-self.log_variance) + self.log_variance).sum()
'''

STREAM = """
class Samples(torch.utils.data.IterableDataset):
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __iter__(self):
        return zip(self.x, self.y)
"""

LOADERS = {
    "loader": "shuffle=True",
    "loader-2": "shuffle=True, num_workers=2, persistent_workers=True",
    "loader-drawing": "shuffle=True, num_workers=2, prefetch_factor=1",
    "loader-weighted": "sampler=torch.utils.data.WeightedRandomSampler(labels + 1.0, len(samples))",
    "loader-drop-last": "drop_last=True",
}
"""How a DataLoader is asked for."""

DRAWS = {
    "numpy": (
        "np.random.Generator(np.random.PCG64(7))",
        "1 + 0.1 * float(self.kept.standard_normal())",
        "self.kept.bit_generator.state",
        "self.kept.bit_generator.state = state",
    ),
    "randomstate": (
        "np.random.RandomState(7)",
        "1 + 0.1 * float(self.kept.randn())",
        "[v.tolist() if isinstance(v, np.ndarray) else v for v in self.kept.get_state()]",
        "self.kept.set_state((state[0], np.array(state[1], dtype=np.uint32), *state[2:]))",
    ),
    "torch": (
        "torch.Generator().manual_seed(7)",
        "1 + 0.1 * torch.randn((), generator=self.kept).item()",
        "self.kept.get_state()",
        "self.kept.set_state(state)",
    ),
    "random": (
        "random.Random(7)",
        "1 + 0.1 * self.kept.gauss(0, 1)",
        "self.kept.getstate()",
        "self.kept.setstate(tuple(tuple(v) if isinstance(v, list) else v for v in state))",
    ),
    "counter": ("[0]", "1 - 0.01 * self.count()", "self.kept[0]", "self.kept[0] = state"),
    "odd-values": (
        "{3: 0.5, 'a.b': [], '': (1, None), 'deep': {'x': float('inf'), 'big': 2**62}}",
        "1 + 0.01 * self.count()",
        "dict(self.kept)",
        "self.kept = dict(state)",
    ),
}
"""How a holder's state is made, what it draws from it, and how the state is told and taken."""

COUNTS = {
    "counter": "self.kept[0] += 1\n        return self.kept[0]",
    "odd-values": "self.kept[3] += 1\n        return self.kept[3]",
}


HELPER = "process = multiprocessing.get_context('fork').Process(target=square, args=(2,))"


def classes(program: Program) -> list[str]:
    found = []
    if program["data"] == "iterable":
        found.append(STREAM)
    if program["data"] in ("dataset", *LOADERS) and program["data"] != "loader-drawing":
        found.append(DATASET.format(says="", item="self.x[i], self.y[i]"))
    if program["data"] in ("drawing-dataset", "loader-drawing"):
        noisy = "self.x[i] + 0.1 * torch.randn(8)" if program["stem"] == "linear" else "self.x[i].roll(random.randrange(5))"
        found.append(DATASET.format(says=" that draws", item=f"{noisy}, self.y[i]"))
    if program["data"] == "loader-like-dict":
        found.append(DATASET.format(says=" of texts' parts", item='({"x": self.x[i], "name": str(i)}, self.y[i])'))
    if program["average"] == "own":
        found.append(AVERAGE)
    if program["loss"] != "plain":
        found.append(WEIGHED)
    if program["holder"] != "none":
        found.append(holder(program["holder"]))
    if program["helper"] != "none":
        found.append("\ndef square(n):\n    return n * n\n")
    return found


def holder(kind: str) -> str:
    made, drawn, told, taken = DRAWS[kind]
    count = f"\n    def count(self):\n        {COUNTS[kind]}\n" if kind in COUNTS else ""
    return f'''
class Holder:
    """State of the script's own: a scale that changes after each step."""

    def __init__(self):
        self.scale, self.kept = 1.0, {made}
{count}
    def next(self):
        self.scale = {drawn}

    def state_dict(self):
        return {{"scale": self.scale, "kept": {told}}}

    def load_state_dict(self, saved):
        self.scale, state = saved["scale"], saved["kept"]
        {taken}
'''


def lines(program: Program) -> list[str]:
    return [*data(program), *model(program), *optimizer(program), *register(program)]


def data(program: Program) -> list[str]:
    n, tokens = program["samples"], program["stem"] != "linear"
    made = [
        "draw = torch.Generator().manual_seed(1)",
        f"inputs = torch.randint(0, 20, ({n}, 5), generator=draw)" if tokens else f"inputs = torch.randn({n}, 8, generator=draw)",
        "labels = inputs[:, 0] % 3" if tokens else "labels = (inputs[:, 0] * inputs[:, 1] > 0).long() + (inputs[:, 2] > 1).long()",
    ]
    kind = {"tuple": "(inputs, labels)", "data": "ftc.Data(inputs, labels)"}.get(program["data"], "Samples(inputs, labels)")
    if program["data"] in LOADERS:
        made.append(f"samples = {kind}")
        kind = f"torch.utils.data.DataLoader(samples, batch_size={program['batch_size']}, {LOADERS[program['data']]})"
    return [*made, f"data = {kind}"]


def model(program: Program) -> list[str]:
    made = ["model = Net()"]
    if "lazy" in [program["block1"], program["block2"], program["block3"]]:
        made.append("model(inputs[:2])")
    if program["dtype"] != "float32":
        made.append(f"model = model.to(torch.{program['dtype']})")
    if program["memory"] != "contiguous":
        made.append("model = model.to(memory_format=torch.channels_last)")
    if program["frozen"].startswith("stem") or program["change"] == "unfreeze":
        made.append("model.stem.requires_grad_(False)")
    if program["frozen"] == "bias":
        made.append("model.head.bias.requires_grad_(False)")
    if program["helper"] == "process":
        made += [HELPER, "process.start()", "process.join()"]
    if program["helper"] == "pool":
        made += ["with multiprocessing.get_context('fork').Pool(2) as pool:", "    pool.map(square, range(4))"]
    return made


def inputs(program: Program, name: str) -> str:
    """What the model takes, in the type of its parameters."""
    cast = program["stem"] == "linear" and program["dtype"] != "float32"
    return f"{name}.to(torch.{program['dtype']})" if cast else name


def optimizer(program: Program) -> list[str]:
    make = OPTIMIZERS[program["optimizer"]]
    params = "model.parameters()"
    if program["frozen"] == "stem-left-out":
        params = "[p for p in model.parameters() if p.requires_grad]"
    if program["change"] == "add-group":
        params = "[*model.body.parameters(), *model.head.parameters()]"
    if program["groups"] == "two":
        slow = '{"params": list(model.stem.parameters()), "lr": 0.004}'
        params = f'[{slow}, {{"params": [*model.body.parameters(), *model.head.parameters()]}}]'
    made = []
    if program["loss"] != "plain":
        made.append("weighed = Weighed()")
        more = "*weighed.parameters()" if program["groups"] == "one" else '{"params": list(weighed.parameters())}'
        params = f"[*{params}, {more}]"
    if program["several"] == "two":
        params = "[*model.body.parameters(), *model.head.parameters()]"
        made.append("first = torch.optim.SGD(model.stem.parameters(), lr=0.05)")
    made.append(f"optimizer = {make.format(p=params)}")
    if program["scheduler"] != "none":
        made.append(f"scheduler = {SCHEDULERS[program['scheduler']].format(o='optimizer')}")
    if program["schedules"] == "two":
        other = "optimizer" if program["several"] == "none" else "first"
        made.append(f"schedulers = [scheduler, lr_scheduler.MultiplicativeLR({other}, lambda n: 0.97)]")
    return made


def register(program: Program) -> list[str]:
    given = ["model=model", "optimizer=optimizer" if program["several"] == "none" else "optimizer=[first, optimizer]"]
    made = []
    if program["scheduler"] != "none":
        given.append("scheduler=scheduler" if program["schedules"] == "one" else "scheduler=schedulers")
    if program["schedule"] != "step":
        given.append(f'schedule="{program["schedule"]}"')
    if program["clip"] != "none":
        given.append(f"clip_norm={program['clip']}")
    if program["overlap"] == "off" or program["recompute"] == "reentrant":
        given.append("overlap=False")
    if program["scaler"] != "none":
        made.append('scaler = torch.amp.GradScaler("cpu")')
        given.append("scaler=scaler")
    if program["average"] != "none":
        kind = {"own": "Average(model)", "averaged": "torch.optim.swa_utils.AveragedModel(model)"}
        made.append(f"average = {kind.get(program['average'], 'torch.optim.swa_utils.AveragedModel(model, use_buffers=True)')}")
        given.append("average=average")
    if program["holder"] != "none":
        made.append("holder = Holder()")
        given.append("holder=holder")
    if program["loss"] == "registered":
        given.append("weighed=weighed")
    return [*made, f"job.register({', '.join(given)})"]
