/** What is wrong with a text that is not JSON, and where. */
export interface JsonFault {
  /** An offset in the text. */
  readonly at: number;
  readonly what: string;
}

const blank = /[ \t\n\r]*/y;
const scalar = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y;
const text = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;

/** Finds the first fault of a text the platform's parser refused, without recursion. */
export function findJsonFault(source: string): JsonFault {
  const open: string[] = [];
  let expected: 'value' | 'value or end' | 'name' | 'name or end' | 'comma' = 'value';
  let at = skip(blank, source, 0);
  for (;;) {
    const char = source[at];
    if (char === undefined) return open.length === 0 && expected === 'value' ? { at, what: 'there is no value' } : { at: source.trimEnd().length, what: 'the text ends before the value does' };
    if (expected === 'comma') {
      const closing = open.at(-1);
      if (closing === undefined) return { at, what: `unexpected ${show(source, at)} after the value` };
      if (char === closing) open.pop();
      else if (char === ',') expected = closing === '}' ? 'name' : 'value';
      else return { at, what: `expected a comma or ${closing} but found ${show(source, at)}` };
      at++;
    } else if ((expected === 'value or end' && char === ']') || (expected === 'name or end' && char === '}')) {
      open.pop();
      expected = 'comma';
      at++;
    } else if (expected === 'name' || expected === 'name or end') {
      if (char !== '"') return { at, what: `expected a field name in double quotes but found ${show(source, at)}` };
      const end = skip(text, source, at);
      if (end === at) return textFault(source, at);
      at = skip(blank, source, end);
      if (at < source.length && source[at] !== ':') return { at, what: `expected a colon but found ${show(source, at)}` };
      if (at < source.length) at++;
      expected = 'value';
    } else if (char === '{' || char === '[') {
      open.push(char === '{' ? '}' : ']');
      expected = char === '{' ? 'name or end' : 'value or end';
      at++;
    } else {
      const end = skip(char === '"' ? text : scalar, source, at);
      if (end === at) return char === '"' ? textFault(source, at) : { at, what: `expected a value but found ${show(source, at)}` };
      at = end;
      expected = 'comma';
    }
    at = skip(blank, source, at);
  }
}

function textFault(source: string, start: number): JsonFault {
  for (let at = start + 1; at < source.length; at++) {
    const code = source.charCodeAt(at);
    if (code < 0x20) return { at, what: code === 10 || code === 13 ? 'a text in quotes is not closed on its line' : 'a control character in a text that is not escaped' };
    if (code === 0x5c) {
      if (!/^\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/.test(source.slice(at, at + 6))) return { at, what: 'an escape that JSON does not know' };
      at++;
    }
  }
  return { at: source.length, what: 'the text ends inside quotes' };
}

function skip(pattern: RegExp, source: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(source) ? pattern.lastIndex : at;
}

function show(source: string, at: number): string {
  return JSON.stringify(String.fromCodePoint(source.codePointAt(at) ?? 0));
}
