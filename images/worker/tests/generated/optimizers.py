"""Optimizers and schedules by name, as a script writes them. `{p}` stands for the parameters."""

from __future__ import annotations

OPTIMIZERS: dict[str, str] = {
    "sgd": "torch.optim.SGD({p}, lr=0.05)",
    "momentum": "torch.optim.SGD({p}, lr=0.05, momentum=0.9, weight_decay=0.01)",
    "nesterov": "torch.optim.SGD({p}, lr=0.05, momentum=0.9, nesterov=True)",
    "adam": "torch.optim.Adam({p}, lr=0.01)",
    "adam-fused": "torch.optim.Adam({p}, lr=0.01, fused=True)",
    "adam-foreach": "torch.optim.Adam({p}, lr=0.01, foreach=True)",
    "adam-tensor-lr": "torch.optim.Adam({p}, lr=torch.tensor(0.01))",
    "amsgrad": "torch.optim.Adam({p}, lr=0.01, amsgrad=True)",
    "adamw": "torch.optim.AdamW({p}, lr=0.01)",
    "adamax": "torch.optim.Adamax({p}, lr=0.01)",
    "nadam": "torch.optim.NAdam({p}, lr=0.01)",
    "radam": "torch.optim.RAdam({p}, lr=0.01)",
    "adagrad": "torch.optim.Adagrad({p}, lr=0.02)",
    "adadelta": "torch.optim.Adadelta({p}, lr=0.5)",
    "rmsprop": "torch.optim.RMSprop({p}, lr=0.005, centered=True, momentum=0.5)",
    "rprop": "torch.optim.Rprop({p}, lr=0.005)",
    "asgd": "torch.optim.ASGD({p}, lr=0.05)",
    "adafactor": "torch.optim.Adafactor({p}, lr=0.02)",
    "lbfgs": "torch.optim.LBFGS({p}, lr=0.1)",
    "langevin": "Langevin({p}, lr=0.02)",
    "odd-state": "Aside({p}, lr=0.02)",
    "lookahead": "Lookahead({p}, lr=0.05)",
    "lazy-state": "Warm({p}, lr=0.05)",
}

CLASSES: dict[str, str] = {
    "langevin": '''
class Langevin(torch.optim.Optimizer):
    """Draws noise at every step."""

    def __init__(self, params, lr):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.add_(p.grad, alpha=-group["lr"])
                    p.add_(torch.randn_like(p), alpha=0.01 * group["lr"])
''',
    "odd-state": '''
class Aside(torch.optim.Optimizer):
    """Keeps its averages in a list of its own, and says so in a state_dict of its own."""

    def __init__(self, params, lr):
        super().__init__(params, {"lr": lr})
        self.averages, self.calls = {}, 0

    @torch.no_grad()
    def step(self, closure=None):
        self.calls += 1
        for i, p in enumerate(p for group in self.param_groups for p in group["params"]):
            if p.grad is not None:
                average = self.averages.setdefault(i, torch.zeros_like(p))
                average.lerp_(p.grad, 0.3)
                p.add_(average, alpha=-self.param_groups[0]["lr"] / (1 + 0.01 * self.calls))

    def state_dict(self):
        return {**super().state_dict(), "averages": dict(self.averages), "calls": self.calls}

    def load_state_dict(self, state):
        state = dict(state)
        self.averages, self.calls = dict(state.pop("averages")), state.pop("calls")
        super().load_state_dict(state)
''',
    "lookahead": '''
class Lookahead(torch.optim.SGD):
    """Goes back half of the way at every third step; its slow weights are in the state of the parameters."""

    @torch.no_grad()
    def step(self, closure=None):
        super().step()
        for group in self.param_groups:
            for p in group["params"]:
                state = self.state[p]
                state.setdefault("slow", p.detach().clone())
                state["calls"] = state.get("calls", 0) + 1
                if state["calls"] % 3 == 0:
                    p.copy_(state["slow"].lerp_(p, 0.5))
''',
    "lazy-state": '''
class Warm(torch.optim.Optimizer):
    """Has no state for its first five steps, then None, text and numbers of several kinds beside tensors."""

    def __init__(self, params, lr):
        super().__init__(params, {"lr": lr, "count": 0, "name": "warm", "limits": (0.1, None)})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            group["count"] += 1
            for p in group["params"]:
                if p.grad is None:
                    continue
                if group["count"] > 5:
                    state = self.state[p]
                    state.setdefault("average", p.grad.clone()).mul_(0.8).add_(p.grad)
                    state.update(unset=None, sign=bool(group["count"] % 2), kind="late", big=2**40 + group["count"])
                p.add_(self.state[p].get("average", p.grad) if p in self.state else p.grad, alpha=-group["lr"])
''',
}

SCHEDULERS: dict[str, str] = {
    "step": "lr_scheduler.StepLR({o}, 3, 0.7)",
    "multistep": "lr_scheduler.MultiStepLR({o}, [4, 9], 0.5)",
    "onecycle": "lr_scheduler.OneCycleLR({o}, max_lr=0.05, total_steps=200)",
    "cyclic": "lr_scheduler.CyclicLR({o}, 0.01, 0.05, step_size_up=3, cycle_momentum=False)",
    "cosine": "lr_scheduler.CosineAnnealingLR({o}, 20)",
    "warm-restarts": "lr_scheduler.CosineAnnealingWarmRestarts({o}, 4)",
    "plateau": "lr_scheduler.ReduceLROnPlateau({o}, patience=1)",
    "sequential": "lr_scheduler.SequentialLR({o}, [lr_scheduler.ConstantLR({o}, 0.5, 4), lr_scheduler.ExponentialLR({o}, 0.9)], [4])",
    "chained": "lr_scheduler.ChainedScheduler([lr_scheduler.ConstantLR({o}, 0.5, 4), lr_scheduler.ExponentialLR({o}, 0.9)])",
    "lambda": "lr_scheduler.LambdaLR({o}, lambda n: 0.95**n)",
    "callable": "lr_scheduler.LambdaLR({o}, Decay())",
    "polynomial": "lr_scheduler.PolynomialLR({o}, 20)",
}

SCHEDULER_CLASSES: dict[str, str] = {
    "callable": '''
class Decay:
    """A schedule whose object has a state of its own."""

    def __init__(self):
        self.factor = 0.95

    def __call__(self, n):
        return self.factor**n
''',
}
