/** Names of what ftc keeps in a folder's `.ftc`, by job. */
export const ownFiles = {
  /** The Compose project as it was started. */
  project: (name: string): string => `${name}.yaml`,
  /** Which job this folder started, and from what. */
  record: (name: string): string => `${name}.job.json`,
  /** Faults that were injected, and what is still to be undone. */
  chaosJournal: (name: string): string => `${name}.chaos.jsonl`,
  chaosLock: (name: string): string => `${name}.chaos.lock`,
} as const;
