/** Which launcher a script gets: whatever way it imports ftc, and whatever it only says about it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { launcherOf } from '../../../src/job/script-launcher.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ftctest-imports-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** The launcher of the first of these files. */
function launcher(files: Record<string, string>): string {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return launcherOf(join(folder, Object.keys(files)[0] ?? ''));
}

describe('a script is run by ftc where it imports ftc', () => {
  it.each([
    'import ftc',
    'import torch, ftc',
    'import numpy as np, ftc as f',
    'import time; import ftc',
    'x = 1; from ftc import Job; y = 2',
    'from ftc.job import Job',
    'from ftc import (  # what it needs\n    Job,\n    run as go,\n)',
    'import torch, \\\n    ftc',
    '\uFEFFimport ftc\r\nftc.run(print)\r\n',
    '\uFEFF# -*- coding: utf-8 -*-\r\nimport ftc\r\n',
    'try:\n    import ftc\nexcept ImportError:\n    ftc = None',
    'import sys\nif sys.version_info > (3, 9): import ftc',
    'if a:\n\tpass\nelif b:\n\timport ftc as runtime',
    'if TYPE_CHECKING:\n    import x\nelse:\n    import ftc',
    'def main():\n    """Trains."""\n    import ftc\n    ftc.run(train)\n',
    'class A:\n  async def f(self):\n    with x:\n      from ftc import run',
    'if __name__ == "__main__":\n    import ftc',
    '__import__("ftc").run(print)',
    "import importlib\nruntime = importlib.import_module('ftc')",
    'match x:\n    case 1:\n        import ftc',
    "x = f\"{y!r:>{10}}\"\nprint('it\\'s'); import ftc",
    'def broken(:\n    pass\nimport ftc\n',
  ])('%j', source => expect(launcher({ 'train.py': source })).toBe('ftc'));

  it.each([
    'import torch',
    'import ftcalc',
    'from ftc_x import y',
    'from .ftc import y',
    'import torch.ftc',
    '# import ftc',
    'print("import ftc")',
    '"""Was a script for torchrun:\n\nimport ftc\n"""\nimport torch',
    "text = '''\nimport ftc\n'''",
    'text = r"""\\\nfrom ftc import run\n"""',
    'import torch as ftc',
    'def ftc(): pass\nftc()',
    'if TYPE_CHECKING:\n    import ftc',
    'import typing as t\nif t.TYPE_CHECKING:\n    from ftc import Job\nelse:\n    Job = object',
    'if False:\n    import ftc',
    'importlib.import_module(name)',
    '',
  ])('and by torchrun for %j', source => expect(launcher({ 'train.py': source })).toBe('torchrun'));

  it('also where a module of its folder does', () => {
    const train = 'from trainer.loop import fit\nfit()';
    const loop = 'from ..common import x\nfrom . import steps as s';
    const files = { 'train.py': train, 'trainer/__init__.py': '', 'trainer/loop.py': loop };
    expect(launcher({ ...files, 'trainer/steps.py': 'import torch' })).toBe('torchrun');
    expect(launcher({ ...files, 'trainer/steps.py': 'def f():\n    import ftc' })).toBe('ftc');
  });

  it('through packages, packages without a file of their own, and circles', () => {
    expect(launcher({ 'a.py': 'import b', 'b.py': 'import a, c.d', 'c/d.py': 'import ftc' })).toBe('ftc');
    expect(launcher({ 'e.py': 'import f.g', 'f/__init__.py': 'import ftc', 'f/g.py': '' })).toBe('ftc');
    const stars = { 'i/__init__.py': 'from .j import *', 'i/j.py': 'import ftc' };
    expect(launcher({ 'h.py': 'from i import *', ...stars })).toBe('ftc');
  });

  it('and not where only a module does that it does not import, or only when that is run itself', () => {
    const beside = { 'model.py': 'import torch', 'other.py': 'import ftc' };
    expect(launcher({ 'train.py': 'import model', ...beside })).toBe('torchrun');
    const nets = 'import torch\nif __name__ == "__main__":\n    import ftc\n';
    expect(launcher({ 'plain.py': 'import nets', 'nets.py': nets })).toBe('torchrun');
  });

  it('nor where ftc is a module of its own folder', () => {
    expect(launcher({ 'train.py': 'import ftc', 'ftc.py': 'import torch' })).toBe('torchrun');
  });

  it('and by ftc where it cannot be read, so that whoever runs it says why', () => {
    expect(launcherOf(join(folder, 'absent.py'))).toBe('ftc');
    expect(launcherOf(folder)).toBe('ftc');
  });
});
