/** What was measured is not what was meant to be: no number may come of it. */
export class Invalid extends Error {}
