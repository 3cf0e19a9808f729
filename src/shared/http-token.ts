/**
 * What whoever changes something over the master's HTTP has to know: a random text, new with every start of the master, in a
 * file that only the master's user can read, in memory that only its container sees. It is in no rendered file and no
 * environment. Whoever may talk to the engine reads it there, and is root on the machine anyway.
 */
export const TOKEN_FILE = '/tmp/ftc-http-token';
