/** Settings by section and name, as in `~/.aws/config`. Those of a nested block are called `block.name`. */
export type Sections = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** Reads the text of a shared configuration or credentials file. What makes no sense in it is passed over, as other programs do. */
export function parseIni(text: string): Sections {
  const sections = new Map<string, Map<string, string>>();
  let section: Map<string, string> | undefined;
  let block = '';
  for (const line of text.replace(/^\uFEFF/, '').split(/\r?\n/)) {
    const header = /^\s*\[\s*(?:profile\s+)?["']?([^\]"']+?)["']?\s*\]/.exec(line)?.[1];
    if (header !== undefined) {
      section = sections.get(header) ?? new Map();
      sections.set(header, section);
      block = '';
      continue;
    }
    if (/^\s*(?:[#;]|$)/.test(line)) continue;
    const [, indent = '', name = '', value = ''] = /^(\s*)([^=\s]+)\s*=\s*(.*?)(?:\s+[#;].*)?$/.exec(line) ?? [];
    if (section === undefined || name === '') continue;
    if (indent === '') block = value === '' ? name.toLowerCase() : '';
    section.set(indent !== '' && block !== '' ? `${block}.${name.toLowerCase()}` : name.toLowerCase(), value.trim());
  }
  return sections;
}
