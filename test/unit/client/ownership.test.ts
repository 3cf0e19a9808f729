import { describe, expect, it } from 'vitest';
import { verdictOf, type Here, type There } from '../../../src/client/ownership.ts';

const record = { id: 'one', folder: '/a/exp', script: 'train.py' };
const here = (more: Partial<Here> = {}): Here => ({
  folder: '/a/exp',
  script: 'train.py',
  record: null,
  copied: false,
  traces: false,
  ...more,
});
const there = (more: Partial<There> = {}): There => ({
  id: null,
  folder: null,
  folderElsewhere: false,
  byHand: false,
  ...more,
});

describe('a job with an id', () => {
  it('is the folder that has the id, wherever the folder is now', () => {
    const moved = here({ folder: '/b/exp', record });
    expect(verdictOf(moved, there({ id: 'one', folder: '/a/exp' }))).toBe('ours');
  });

  it('is no other folder, and none that lost its record', () => {
    const labels = there({ id: 'one', folder: '/a/exp' });
    expect(verdictOf(here({ folder: '/b/exp' }), labels)).toBe('other folder');
    expect(verdictOf(here({ folder: '/b/exp', record: { ...record, id: 'two' } }), labels)).toBe(
      'other folder',
    );
    expect(verdictOf(here({ traces: true }), labels)).toBe('other folder');
  });

  it('is not that of a copy of its folder', () => {
    expect(verdictOf(here({ folder: '/b/exp', record, copied: true }), there({ id: 'one' }))).toBe(
      'other folder',
    );
  });

  it('is one script', () => {
    expect(verdictOf(here({ record, script: 'other.py' }), there({ id: 'one' }))).toBe('other script');
  });
});

describe('a job without an id, of an older ftc or of "docker compose up"', () => {
  it('is the folder that it was started from', () => {
    expect(verdictOf(here(), there({ folder: '/a/exp' }))).toBe('ours');
    const other = there({ folder: '/b/exp', folderElsewhere: true });
    expect(verdictOf(here({ traces: true }), other)).toBe('other folder');
  });

  it('is the folder that shows traces, where the one that started it is gone or not known', () => {
    expect(verdictOf(here({ traces: true }), there({ folder: '/old/exp' }))).toBe('ours');
    expect(verdictOf(here({ record }), there())).toBe('ours');
    expect(verdictOf(here(), there())).toBe('other folder');
  });

  it('is whose name it has, where the volume was made by hand', () => {
    expect(verdictOf(here(), there({ byHand: true }))).toBe('ours');
  });
});

it('is free where nothing is there, whatever the folder remembers', () => {
  expect(verdictOf(here({ record, script: 'other.py' }), null)).toBe('free');
});
