"""A checkpoint that whoever writes to the volume has made: it takes no more memory than its files have bytes."""

from __future__ import annotations

import hashlib
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from checkpoints import change, found, put, state
from ftc.checkpoint import verify


def test_a_state_of_holes_takes_no_memory_before_its_hash_says_no(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = 300 << 20
    put(tmp_path, 5)
    directory = put(tmp_path, 10)
    os.truncate(directory / "state.pt", 0)
    os.truncate(directory / "state.pt", size)
    change(files={"state.pt": {"bytes": size, "sha256": "0" * 64}})(directory)
    kept: list[int] = []
    write = verify._write

    def keep(fd: int, data: memoryview) -> None:
        kept.append(len(data))
        write(fd, data)

    monkeypatch.setattr(verify, "_write", keep)
    notes: list[str] = []
    assert found(tmp_path, notes) == 5
    assert "SHA-256" in notes[0] and sum(kept) < size // 10


def forge(directory: Path) -> None:
    """The manifest is made to fit."""
    data = (directory / "state.pt").read_bytes()
    change(files={"state.pt": {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}})(directory)


CLAIMS: dict[str, Any] = {
    "the same bytes many times": lambda: torch.zeros(1).expand(10**11),
    "no bytes at all": lambda: torch.zeros(1000, device="meta"),
    "a sparse tensor": lambda: torch.sparse_coo_tensor(torch.tensor([[0]]), torch.ones(1), (10**11,)),
}


@pytest.mark.parametrize("kind", CLAIMS)
def test_a_tensor_that_claims_more_than_the_file_holds_is_damage(tmp_path: Path, kind: str) -> None:
    put(tmp_path, 5)
    directory = put(tmp_path, 10)
    torch.save({**state(10.0), "optimizer": {"lr": 0.1, "momentum": CLAIMS[kind]()}}, directory / "state.pt")
    forge(directory)
    notes: list[str] = []
    assert found(tmp_path, notes) == 5
    assert "more values than there are" in notes[0] or "cannot be loaded" in notes[0]


def test_a_state_that_grows_when_it_is_unpacked_is_damage(tmp_path: Path) -> None:
    put(tmp_path, 5)
    file = put(tmp_path, 10) / "state.pt"
    torch.save(state(10.0), file)
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    forge(file.parent)
    notes: list[str] = []
    assert found(tmp_path, notes) == 5
    assert "it is compressed" in notes[0]
