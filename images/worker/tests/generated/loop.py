"""The training loop of a script, and what it does before a pass, after a step, and after the loop."""

from __future__ import annotations

from textwrap import indent

from .program import Program
from .setting import HELPER, inputs

TAB = "    "
LOCAL = {
    "mask": "local = local or 0.5 + float(torch.rand(()))", "noise": "local = local or 0.5 + float(torch.rand(()))",
    "copy": "local = local or 0.5 + float(model.head.weight.detach().float().abs().mean())", "mean": "local = 0.9 * local + 0.1 * float(loss.detach())",
    "calls": "local += 0.001", "fixed": "local = local or 0.7",
}
DRAW = {"torch": "torch.rand(3)", "numpy": "np.random.rand(3)", "random": "random.random()"}


def lines(program: Program) -> list[str]:
    """Of the function `train`, from the loop on."""
    slices, after = one_slice(program), after_step(program)
    batches = f"data, batch_size={program['batch_size']}{'' if program['shuffle'] == 'on' else ', shuffle=False'}"
    if program["data"].startswith("loader") and program["data"] != "loader-like-dict":
        batches = "data"
    text = []
    if program["begin"] != "none":
        text += ["start = job.begin()", "assert start == job.step_number"]
    if program["begin"] == "draw":
        text.append("drawn = 0.5 + random.random() + float(torch.rand(())) + np.random.rand()")
    if program["draw_before"] == "once-an-epoch":
        text.append("seen = -1")
    if program["local"] != "none":
        text.append("local = 0.0")
    if program["api"] == "steps":
        text += [*stepping(program, f"job.steps({batches})"), *deeper(head(program), 1), f"{TAB}for batch in step:", *deeper(slices, 2)]
        text += [f"{TAB}{TAB}step.backward({given(program)})", *deeper(reduced(program), 1)]
        text += [f"{TAB}if step.commit():", *deeper(after, 2)] if after else [f"{TAB}step.commit()"]
    else:
        text += [f"for batch in job.batches({batches}):", *deeper(slices, 1)]
        text += [f"{TAB}if job.step({given(program)}):", *deeper(after, 2)] if after else [f"{TAB}job.step({given(program)})"]
    return around(program, text) + at_the_end(program)


def stepping(program: Program, steps: str) -> list[str]:
    """The loop over the steps, which may come through something of the script's own."""
    if program["wrapped"] == "map":
        return ["ahead = {}", f"for step in map(lambda step: ahead.update(n=step.number) or step, {steps}):"]
    return [f"for step in (step for step in {steps}):" if program["wrapped"] == "own" else f"for step in {steps}:"]


def head(program: Program) -> list[str]:
    """Between `for step` and the loop over its slices."""
    kind = program["head"]
    if kind == "none":
        return []
    if kind == "lr":
        return ['optimizer.param_groups[0]["lr"] = 0.01 / (1 + step.number)']
    if kind == "scale":
        return ["with torch.no_grad():", f"{TAB}model.head.weight.mul_(0.99)"]
    if kind == "evaluate":
        right = f"lambda held: model({inputs(program, 'held.x')}).argmax(1).eq(held.y).sum()"
        return ["ahead_of_slices = 1.0", "if step.number % 3 == 1:", f"{TAB}ahead_of_slices += float(job.evaluate({right}, (inputs, labels))) / 40"]
    size = {"number": "1 / (1 + step.number)", "state": "float(model.head.weight.detach().abs().mean())", "torch": "float(torch.rand(()))"}
    size |= {"numpy": "float(np.random.rand())", "random": "random.random()"}
    return [f"ahead_of_slices = 0.5 + {size[kind]}"]


def reduced(program: Program) -> list[str]:
    """Between a step's reduction and its commit."""
    text = []
    if program["gradients"] != "none":
        changed = "p.grad.mul_(scale)" if program["gradients"] == "scaled" else "p.grad.add_(0.01 * torch.randn_like(p.grad))"
        text += ["scale = min(1.0, 0.5 / (step.grad_norm + step.loss))"] if program["gradients"] == "scaled" else []
        text += ["for p in model.parameters():", f"{TAB}if p.grad is not None:", f"{TAB}{TAB}{changed}"]
    if program["metrics"] == "reduced":
        text.append("job.log(loss=step.loss, norm=step.grad_norm)")
    return text


def deeper(text: list[str], levels: int) -> list[str]:
    return [indent(line, TAB * levels) for line in text]


def around(program: Program, text: list[str]) -> list[str]:
    """Inside of a context that lasts as long as the loop."""
    context = None
    if program["autocast"] == "loop":
        context = 'torch.autocast("cpu", dtype=torch.bfloat16)'
    return text if context is None else [f"with {context}:", *deeper(text, 1)]


def given(program: Program) -> str:
    weight = {"none": "", "samples": ", weight=len(batch)", "numbers": ", weight=float(batch.y.sum() + 1)"}[program["weight"]]
    return f"loss{weight}"


def one_slice(program: Program) -> list[str]:
    text = ["faults.point(job, model, optimizer)", *before(program), *change(program)]
    if program["local"] == "mask":
        text.append(LOCAL["mask"])
    part = 'batch.x["x"]' if program["data"] == "loader-like-dict" else "batch.x"
    text.append(f"x = {inputs(program, part)}")
    text += augment(program)
    scores = ["scores = model(x).float()"]
    if program["loss"] == "plain":
        scores.append("loss = F.cross_entropy(scores, batch.y)")
    else:
        scores.append("loss = weighed(F.cross_entropy(scores, batch.y), scores.square().mean())")
    if program["holder"] != "none":
        scores.append("loss = loss * holder.scale")
    if program["named"] != "none":
        scores.append('loss = loss + 0.01 * torch.randn((), generator=job.generator("noise")) * scores.mean()')
    if program["head"] not in ("none", "lr", "scale"):
        scores.append("loss = loss * ahead_of_slices")
    if program["begin"] == "draw":
        scores.append("loss = loss * drawn")
    if program["wrapped"] == "map":
        scores.append('loss = loss * (1 + 0.1 * ahead["n"])')
    if program["local"] != "none":
        scores += [LOCAL[program["local"]]] if program["local"] != "mask" else []
        scores.append("loss = loss * (1 + local)")
    if program["nan"] != "none":
        scores += ["if job.step_number == 5 or job.step_number == 8 and batch.y[0] == 0:", f"{TAB}loss = loss * float('nan')"]
    if program["autocast"] == "forward":
        text += ['with torch.autocast("cpu", dtype=torch.bfloat16):', *deeper(scores, 1)]
    else:
        text += scores
    if program["metrics"] == "each":
        text.append("job.log(loss=loss.item())")
    return text


def augment(program: Program) -> list[str]:
    kind, tokens = program["augment"], program["stem"] != "linear"
    if kind == "none":
        return []
    if tokens:
        turn = {"torch": "int(torch.randint(5, ()))", "numpy": "int(np.random.randint(5))", "random": "random.randrange(5)"}
        return [f"x = x.roll({turn[kind]}, 1)"]
    noise = {"torch": "torch.randn_like(x)", "numpy": "torch.from_numpy(np.random.randn(8)).to(x.dtype)", "random": "random.gauss(0, 1)"}
    return [f"x = x + 0.1 * {noise[kind]}"]


def before(program: Program) -> list[str]:
    """Between the arrival of a slice and its forward pass."""
    kind, text = program["draw_before"], []
    if kind == "loader":
        text.append("next(iter(torch.utils.data.DataLoader(torch.arange(8), batch_size=4, shuffle=True)))")
    elif kind == "once-an-epoch":
        text += ["if job.step_number // 3 != seen:", f"{TAB}seen = job.step_number // 3"]
        text.append(f"{TAB}torch.randperm(5), np.random.rand(), random.random()")
    elif kind != "none":
        text += ["if job.step_number % 3 == 0:", f"{TAB}{DRAW[kind]}"]
    if program["evaluation"] == "before":
        text += ["if job.step_number % 5 == 0:", *deeper(evaluate(program, "eval"), 1)]
    return text


def evaluate(program: Program, mode: str) -> list[str]:
    scores = f"job.log(score=model({inputs(program, 'inputs[:9]')}).float().mean().item())"
    text = ["with torch.no_grad():", f"{TAB}{scores}"]
    return ["model.eval()", *text, "model.train()"] if mode == "eval" else text


def change(program: Program) -> list[str]:
    """What is trained changes while it is trained."""
    at, kind = "if job.step_number >= 6", program["change"]
    if kind == "unfreeze":
        return [f"{at}:", f"{TAB}model.stem.requires_grad_(True)"]
    if kind == "freeze":
        return [f"{at}:", f"{TAB}model.stem.requires_grad_(False)"]
    if kind == "add-group":
        added = '{"params": list(model.stem.parameters()), "lr": 0.01}'
        return [f"{at} and len(optimizer.param_groups) == 1:", f"{TAB}optimizer.add_param_group({added})"]
    if kind == "prune":
        return [f"{at} and not prune.is_pruned(model.head):", f'{TAB}prune.l1_unstructured(model.head, "weight", amount=0.3)']
    if kind == "replace-head":
        return [f"{at} and model.head.bias is not None:", f"{TAB}model.head.bias = None"]
    if kind == "lr":
        return [f"{at}:", f'{TAB}optimizer.param_groups[0]["lr"] = 0.003']
    return []


def after_step(program: Program) -> list[str]:
    """When a step was committed."""
    text = []
    if "extra-state" in [program["block1"], program["block2"], program["block3"]]:
        text += ["for module in model.modules():", f"{TAB}if isinstance(module, Extra):", f"{TAB}{TAB}module.after_step()"]
    if program["draw_after"] != "none":
        scale = {"torch": "torch.rand(())", "numpy": "float(np.random.rand())", "random": "random.random()"}[program["draw_after"]]
        text += ["with torch.no_grad():", f"{TAB}model.head.weight.mul_(1 - 0.01 * {scale})"]
    if program["average"] != "none":
        text.append("average.update_parameters(model)")
    if program["holder"] != "none":
        text.append("holder.next()")
    if program["metrics"] == "last":
        text.append('job.log(lr=optimizer.param_groups[0]["lr"])')
    if program["evaluation"] in ("eval", "train"):
        text += ["if job.step_number % 4 == 0:", *deeper(evaluate(program, program["evaluation"]), 1)]
    if program["evaluation"] == "job":
        right = f"lambda held: {{'right': model({inputs(program, 'held.x')}).argmax(1).eq(held.y).sum(), 'all': len(held)}}"
        found = [f"found = job.evaluate({right}, (inputs, labels))", "with torch.no_grad():"]
        found.append(f"{TAB}model.head.weight.mul_(1 - 0.01 * float(found['right'] / found['all']))")
        if program["finish"] == "by-score":
            found += ["if found['right'] > 0.5 * found['all']:", f'{TAB}job.finish("half of them are right")']
        text += ["if job.step_number % 4 == 0:", *deeper(found, 1)]
    if program["once"] != "none":
        text.append("job.once(lambda step=job.step_number: faults.note(job, step))")
    if program["finish"] == "finish":
        text += ["if job.step_number == 10:", f'{TAB}job.finish("the tenth step is enough")']
    if program["helper"] == "in-loop":
        text += ["if job.step_number == 4:", *deeper([HELPER, "process.start()", "process.terminate()", "process.join()"], 1)]
    return text


def at_the_end(program: Program) -> list[str]:
    kind = program["draw_end"]
    if kind == "none":
        return []
    mean = f"model({inputs(program, 'inputs')}).float().mean().item()"
    return [DRAW[kind], "with torch.no_grad():", f"{TAB}job.log(end={mean})"]
