/**
 * What is between the first `<tag>` and its end, with its markup; `undefined` where there is no such element. Made for
 * the flat answers of S3, in which no element holds another of its own name.
 */
export function elementOf(xml: string, tag: string): string | undefined {
  const open = xml.indexOf(`<${tag}>`);
  if (open < 0) return xml.includes(`<${tag}/>`) ? '' : withAttributes(xml, tag);
  const from = open + tag.length + 2;
  const to = xml.indexOf(`</${tag}>`, from);
  return to < 0 ? undefined : xml.slice(from, to);
}

/** The text of the first `<tag>`; `undefined` where there is no such element. */
export function textOf(xml: string, tag: string): string | undefined {
  const inner = elementOf(xml, tag);
  return inner === undefined ? undefined : unescape(inner);
}

/** What each `<tag>` holds, with its markup, in order. */
export function* elementsOf(xml: string, tag: string): Generator<string> {
  const [open, close] = [`<${tag}>`, `</${tag}>`];
  for (let at = xml.indexOf(open); at >= 0;) {
    const end = xml.indexOf(close, at);
    if (end < 0) return;
    yield xml.slice(at + open.length, end);
    at = xml.indexOf(open, end + close.length);
  }
}

/** Text as it stands in an XML document. Control characters become references. */
export function escapeXml(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[&<>"'\u0000-\u001F\u007F-\u009F\u2028]/g, (character) => named[character] ?? `&#x${character.charCodeAt(0).toString(16).toUpperCase()};`);
}

const named: { readonly [character: string]: string } = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };
const characters: { readonly [name: string]: string } = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function withAttributes(xml: string, tag: string): string | undefined {
  const found = new RegExp(`<${tag}\\s[^>]*>([^]*?)</${tag}>`).exec(xml);
  return found?.[1];
}

function unescape(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&(?:#x([0-9a-fA-F]+)|#(\d+)|(\w+));/g, (whole, hex?: string, decimal?: string, name?: string) => {
    if (name !== undefined) return characters[name] ?? whole;
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
