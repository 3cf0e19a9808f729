/** What a requirements.txt may say where pip sees that one file and nothing else of the host. Pure. */

export interface RequirementsProblem {
  /** From 1. */
  readonly line: number;
  readonly message: string;
}

const elsewhere = /^(?:-r|-c|-e|-f|--requirement|--constraint|--editable|--find-links)(?:[ \t=]|$)/;
const path = /^(?:\.{0,2}\/|~\/|file:|[A-Za-z]:\\)|@ *file:/;

/** Lines that lead to other files of the host. Everything else is for pip to judge. */
export function requirementsProblems(text: string): RequirementsProblem[] {
  return text.split(/\r?\n/).flatMap((line, index) => {
    const said = line.trim();
    const local = path.test(said) || (elsewhere.test(said) && !/https?:\/\//.test(said));
    return local ? [{ line: index + 1, message: `"${said}" names another file of the host` }] : [];
  });
}
