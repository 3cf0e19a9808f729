"""What a script reads of a step: the same before and after it has committed it."""

from __future__ import annotations

from pathlib import Path

from cluster import Cluster

SCRIPT = """
import torch
import ftc


def train(job):
    model = torch.nn.Linear(2, 1)
    job.register(model=model, optimizer=torch.optim.SGD(model.parameters(), lr=0.1))
    steps = job.steps(torch.ones(20, 2), batch_size=10)
    assert (job.total_steps, job.steps_per_epoch) == (4, 2)
    for number, step in enumerate(steps):
        for batch in step:
            step.backward(model(batch.x).square().mean())
        for _ in range(2):
            assert (step.number, step.epoch) == (number, number // 2), (step.number, step.epoch)
            assert step.loss >= 0 and step.grad_norm >= 0
            if job.step_number == number:
                step.commit()


ftc.run(train)
"""


def test_a_step_is_the_same_after_its_commit_and_its_data_is_known_before_the_first(tmp_path: Path) -> None:
    script = tmp_path / "steps.py"
    script.write_text(SCRIPT)
    with Cluster(tmp_path, FTC_SCRIPT=str(script), FTC_EPOCHS="2", FTC_VIRTUAL_RANKS="2") as cluster:
        cluster.begin("a")
        assert len(cluster.digests("a")) == 1
