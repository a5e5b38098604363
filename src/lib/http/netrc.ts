/** One entry of a netrc file. */
export interface NetrcEntry {
  /** Lower case; `undefined` for the `default` entry. */
  readonly machine: string | undefined;
  readonly login: string | undefined;
  readonly password: string | undefined;
}

/** The entries of a netrc file, in its order. Macros and what is not understood are passed over. */
export function parseNetrc(text: string): readonly NetrcEntry[] {
  const entries: { machine: string | undefined; login: string | undefined; password: string | undefined }[] = [];
  const words = wordsOf(text);
  for (let i = 0; i < words.length; i++) {
    const entry = entries.at(-1);
    switch (words[i]) {
      case 'machine': entries.push({ machine: words[++i]?.toLowerCase(), login: undefined, password: undefined }); break;
      case 'default': entries.push({ machine: undefined, login: undefined, password: undefined }); break;
      case 'login': if (entry !== undefined) entry.login = words[++i]; break;
      case 'password': if (entry !== undefined) entry.password = words[++i]; break;
      case 'account': i++; break;
      default: break;
    }
  }
  return entries;
}

/** The entry for a host: the first of its own, else the default one where that may be used. `login`: only one of that name. */
export function netrcEntryFor(entries: readonly NetrcEntry[], host: string, { login, orDefault }: { readonly login?: string; readonly orDefault: boolean }): NetrcEntry | undefined {
  const fits = (entry: NetrcEntry): boolean => entry.password !== undefined && (login === undefined || entry.login === undefined || entry.login === login);
  return entries.find((entry) => entry.machine === host.toLowerCase() && fits(entry)) ?? (orDefault ? entries.find((entry) => entry.machine === undefined && fits(entry)) : undefined);
}

/** Words, quoted or not. A comment begins a line or follows a space; a password may well hold a `#`. */
function wordsOf(text: string): readonly string[] {
  const words: string[] = [];
  let macro = false;
  for (const line of text.split(/\r?\n/)) {
    if (macro) {
      macro = line.trim() !== '';
      continue;
    }
    for (const [word, quoted] of line.matchAll(/"((?:[^"\\]|\\.)*)"|\S+/g)) {
      if (quoted === undefined && word.startsWith('#') && words.at(-1) !== 'password') break;
      if (quoted === undefined && word === 'macdef') {
        macro = true;
        break;
      }
      words.push(quoted === undefined ? word : quoted.replace(/\\(.)/g, '$1'));
    }
  }
  return words;
}
