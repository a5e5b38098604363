import { readFileSync, statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { SyncError } from '../../model/errors.ts';

/** More than a value of a setting ever has. */
const longestFile = 64 * 1024;

const secret = /pass(?:word|wd|phrase)?|secret|token|credential|api[_-]?key|private[_-]?key/i;

/** Where what is named in a text is found. */
export interface Sources {
  readonly environment: { readonly [name: string]: string | undefined };
  /** What names of files begin at. */
  readonly folder: string;
}

/** Whether anything in a text is filled in: then it is better not shown. */
export function isFilledIn(text: string): boolean {
  return /\$\{/.test(text.replaceAll('$${', ''));
}

/**
 * A text with `${NAME}` replaced by that variable, `${NAME:-text}` by the text where there is none, and `${file:path}` by the line
 * in that file; `$${` is written for `${`. Throws `invalid` where something is missing, and where it is a secret by its
 * name: what is filled in is kept in the state and shown in errors.
 */
export function fillIn(text: string, sources: Sources): string {
  return text.replaceAll(/\$(\$\{)|\$\{([^}]*)\}?/g, (whole, escaped: string | undefined, inner: string = '') => {
    if (escaped !== undefined) return escaped;
    const wrong = (what: string, hint: string): SyncError => new SyncError('invalid', `${whole} ${what}`, { hint });
    if (!whole.endsWith('}')) throw wrong('is not closed', 'write ${NAME}, or $${ for ${ itself');
    if (inner.startsWith('file:')) return lineIn(inner.slice('file:'.length), sources.folder, wrong);
    const [, name, , otherwise] = /^([A-Za-z_]\w*)(:-(.*))?$/s.exec(inner) ?? [];
    if (name === undefined) throw wrong('names nothing', 'write ${NAME}, ${NAME:-text} or ${file:path}, or $${ for ${ itself');
    if (secret.test(name)) throw wrong('is a secret by its name, and what is filled in may be shown', 'leave it out: places take their passwords from the environment by themselves');
    const value = sources.environment[name] || otherwise;
    if (value === undefined) throw wrong('is not set', `set ${name}, or write \${${name}:-text}`);
    return value;
  });
}

function lineIn(path: string, folder: string, wrong: (what: string, hint: string) => SyncError): string {
  if (secret.test(basename(path))) throw wrong('is a secret by its name, and what is filled in may be shown', 'leave it out: places take their passwords from the environment by themselves');
  let text: string;
  const full = resolve(folder, path);
  try {
    const found = statSync(full);
    if (!found.isFile()) throw wrong('is no file', 'name one');
    if (found.size > longestFile) throw wrong('is too long', 'keep one line there');
    text = readFileSync(full, 'utf8');
  } catch (cause) {
    if (cause instanceof SyncError) throw cause;
    throw wrong(`cannot be read (${(cause as NodeJS.ErrnoException).code ?? String(cause)})`, 'name a file that is there');
  }
  const line = text.replace(/\r?\n$/, '');
  if (/[\r\n\0]/.test(line)) throw wrong('has more than one line', 'keep one there');
  return line;
}
