"""A small character-level GPT on the licence texts that every Debian system carries in /usr/share/common-licenses.

DATASET_DIR may hold other texts: all its *.txt files are read instead.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import ftc

LICENCES = Path("/usr/share/common-licenses")
CONTEXT, WIDTH, HEADS, LAYERS, DROPOUT = 64, 96, 4, 3, 0.1
STEPS = 600


def read(folder: Path) -> str:
    files = sorted(folder.glob("*.txt")) or sorted(path for path in LICENCES.iterdir() if not path.is_symlink())
    return "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in files)


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.mlp = nn.Sequential(
            nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH), nn.Dropout(DROPOUT)
        )

    def forward(self, x: Tensor) -> Tensor:
        batch, length, _ = x.shape
        heads = self.qkv(self.norm1(x)).view(batch, length, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        dropout = DROPOUT if self.training else 0.0
        mixed = F.scaled_dot_product_attention(*heads.unbind(), dropout_p=dropout, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).reshape(batch, length, WIDTH))
        return x + self.mlp(self.norm2(x))


class GPT(nn.Module):
    def __init__(self, characters: int) -> None:
        super().__init__()
        self.token, self.place = nn.Embedding(characters, WIDTH), nn.Embedding(CONTEXT, WIDTH)
        self.blocks = nn.Sequential(*(Block() for _ in range(LAYERS)))
        self.head = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, characters))

    def forward(self, x: Tensor) -> Tensor:
        place = self.place(torch.arange(x.shape[1], device=x.device))
        return self.head(self.blocks(self.token(x) + place))


@torch.no_grad()
def sample(model: GPT, start: Tensor, length: int) -> Tensor:
    """Continues a text: int64 of shape (n,) → (n + length,)."""
    model.eval()
    text = start
    for _ in range(length):
        chances = model(text[-CONTEXT:].unsqueeze(0))[0, -1].softmax(0)
        text = torch.cat([text, torch.multinomial(chances, 1)])
    return text


def train(job: ftc.Job) -> None:
    text = read(job.dataset_dir)
    alphabet = sorted(set(text))
    number = {character: index for index, character in enumerate(alphabet)}
    tokens = torch.tensor([number[character] for character in text])
    windows = tokens.unfold(0, CONTEXT + 1, CONTEXT // 2)

    model = GPT(len(alphabet)).to(job.device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS, eta_min=3e-4)
    job.register(model=model, optimizer=optimizer, scheduler=scheduler, clip_norm=1.0)

    for batch in job.batches(windows, batch_size=48):
        logits = model(batch.x[:, :-1])
        loss = F.cross_entropy(logits.flatten(0, 1), batch.x[:, 1:].flatten())
        job.step(loss)

    start = torch.tensor([number[character] for character in "The "], device=job.device)
    print("".join(alphabet[index] for index in sample(model, start, 400).tolist()))


ftc.run(train)
