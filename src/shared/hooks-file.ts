/** Where a master finds the URLs of its job's hooks: a secret of its Compose project. */
export const HOOKS_FILE = '/run/secrets/hooks';
