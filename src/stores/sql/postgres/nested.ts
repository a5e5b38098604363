/** Text within braces, within braces. */
export type Nested = string | null | readonly Nested[];

/** An array as PostgreSQL writes it (its manual, 8.15.6), taken apart. */
export function splitNested(text: string): Nested {
  let at = 0;
  const list = (): Nested[] => {
    const parts: Nested[] = [];
    at++;
    while (text[at] !== '}') {
      if (text[at] === ',') at++;
      parts.push(text[at] === '{' ? list() : item());
    }
    at++;
    return parts;
  };
  const item = (): string | null => {
    if (text[at] === '"') {
      const [value, end] = quotedAt(text, at);
      at = end;
      return value;
    }
    const start = at;
    let escaped = false;
    while (text[at] !== ',' && text[at] !== '}') {
      if (text[at] === '\\') [escaped, at] = [true, at + 1];
      at++;
    }
    const plain = text.slice(start, at);
    return plain === 'NULL' ? null : escaped ? plain.replace(/\\(.)/gs, '$1') : plain;
  };
  return list();
}

/** An array as PostgreSQL reads it. */
export function nestedText(parts: readonly Nested[]): string {
  return `{${parts.map((part) => (part === null ? 'NULL' : typeof part === 'string' ? quote(part) : nestedText(part))).join(',')}}`;
}

/** A row as PostgreSQL writes it (8.16.6), taken apart. */
export function splitRecord(text: string): readonly (string | null)[] {
  const parts: (string | null)[] = [];
  for (let at = 1; at < text.length; at++) {
    let value: string | null = null;
    while (text[at] !== ',' && text[at] !== ')') {
      if (text[at] === '"') {
        // Two quotes within quotes are one.
        const [part, end] = quotedAt(text, at);
        value = (value ?? '') + part;
        at = end;
      } else {
        if (text[at] === '\\') at++;
        value = (value ?? '') + text[at++]!;
      }
    }
    parts.push(value);
  }
  return parts;
}

/** A row as PostgreSQL reads it. */
export function recordText(parts: readonly (string | null)[]): string {
  return `(${parts.map((part) => (part === null ? '' : quote(part))).join(',')})`;
}

function quote(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

function quotedAt(text: string, start: number): readonly [value: string, end: number] {
  let value = '';
  let from = start + 1;
  for (let at = from; ; at++) {
    const character = text[at];
    if (character === undefined) throw new RangeError('a quote is not closed');
    if (character === '\\') {
      value += text.slice(from, at);
      from = ++at;
    } else if (character === '"') {
      value += text.slice(from, at);
      if (text[at + 1] !== '"') return [value, at + 1];
      from = ++at;
    }
  }
}
