/** The membership's function at scale: its section's Markdown. */
import { Invalid } from './invalid.ts';

/** @throws Invalid */
export function run(): Promise<string> {
  return Promise.reject(new Invalid('the membership has no benchmark yet'));
}
