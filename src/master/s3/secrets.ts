/** Values that nobody may read in a log, an event or an answer. */

export class Secrets {
  #forms = new Set<string>();

  /** Empty values, and those too short to be secret, hide nothing. */
  add(...values: readonly (string | undefined)[]): void {
    for (const value of values) {
      if (value === undefined || value.length < 4) continue;
      for (const form of [value, encodeURIComponent(value), Buffer.from(value).toString('base64')])
        this.#forms.add(form);
    }
  }

  /** `text` with every value, as it is, percent-encoded or in base64, and every signature replaced by `***`. */
  hide(text: string): string {
    const longest = [...this.#forms].sort((a, b) => b.length - a.length);
    const plain = longest.reduce((rest, form) => rest.replaceAll(form, '***'), text);
    return plain.replace(/((?:signature|credential|security-token)"?\s*[=:]\s*"?)[^\s,&"]+/gi, '$1***');
  }
}
