import type { Action } from '../../core/reconcile.ts';
import { writeYaml } from '../../formats/yaml-write.ts';
import type { Content, Entry } from '../../model/entry.ts';
import type { Schema } from '../../schema/schema.ts';
import { unifiedDiff } from './lines.ts';
import { counted, printable } from './style.ts';
import type { Paint } from './style.ts';

/** The most bytes of a blob that are compared line by line. */
const textBytes = 256 * 1024;

/** How an action is shown. */
export interface DiffStyle {
  readonly paint: Paint;
  readonly schema: Schema;
  /** Whether to show what changes within entries, or only their keys. */
  readonly content: boolean;
}

/** One action of a plan, for people and for programs. */
export const showAction: {
  asText(action: Action, style: DiffStyle): Promise<string>;
  asJson(action: Action): object | undefined;
} = { asText, asJson };

const signs = { create: ['+', 'green'], update: ['~', 'yellow'], delete: ['-', 'red'], conflict: ['!', 'magenta'] } as const;

async function asText(action: Action, { paint, schema, content }: DiffStyle): Promise<string> {
  const what = verb(action);
  if (what === undefined) return '';
  const [sign, color] = signs[what];
  const direction = action.kind === 'put' && action.to === 'left' ? ' (to the left)' : action.kind === 'delete' && action.on === 'left' ? ' (on the left)' : '';
  const head = `${paint(color, `${sign} ${what} ${printable(action.key)}`)}${direction}\n`;
  if (!content || action.kind === 'conflict') return head;
  const before = await linesOf(action.kind === 'put' || action.kind === 'delete' ? action.over : undefined, schema);
  const after = await linesOf(action.kind === 'put' ? action.entry : undefined, schema);
  if (typeof before === 'string' || typeof after === 'string') return `${head}    ${[before, after].filter((text) => typeof text === 'string').join(' → ')}\n`;
  const body = unifiedDiff(before, after).map((line) => {
    const text = `    ${printable(line, true)}`;
    return line.startsWith('+') ? paint('green', text) : line.startsWith('-') ? paint('red', text) : line.startsWith('@') ? paint('cyan', text) : text;
  });
  if (body.length === 0) body.push(`    ${paint('dim', 'the same but for what is not compared, such as the host in links')}`);
  return `${head}${body.join('\n')}\n`;
}

function asJson(action: Action): object | undefined {
  const what = verb(action);
  return what && { event: 'planned', action: what, key: action.key, ...(action.kind === 'put' && { to: action.to, why: action.why }), ...(action.kind === 'delete' && { on: action.on, why: action.why }) };
}

function verb(action: Action): keyof typeof signs | undefined {
  switch (action.kind) {
    case 'put': return action.over ? 'update' : 'create';
    case 'delete': return 'delete';
    case 'conflict': return 'conflict';
    default: return undefined;
  }
}

/** The lines that stand for an entry, or a sentence where it has none. */
async function linesOf(entry: Entry | undefined, schema: Schema): Promise<readonly string[] | string> {
  if (!entry) return [];
  const { content } = entry;
  if (!content) return 'content unknown';
  if (content.kind === 'document') return split(writeYaml(schema.comparable(content.document)));
  return blobLines(content, entry.size);
}

/** The lines of a text, or the size of what is none or too long. */
async function blobLines(content: Content & { readonly kind: 'blob' }, size: number | undefined): Promise<readonly string[] | string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  if ((size ?? 0) <= textBytes) {
    for await (const chunk of content.bytes()) {
      bytes += chunk.length;
      if (bytes > textBytes) break;
      chunks.push(chunk);
    }
  } else bytes = size ?? 0;
  const whole = Buffer.concat(chunks);
  if (bytes > textBytes || whole.includes(0)) return counted(size ?? bytes, 'byte');
  try {
    return split(new TextDecoder('utf-8', { fatal: true }).decode(whole));
  } catch {
    return counted(bytes, 'byte');
  }
}

function split(text: string): readonly string[] {
  return text.replace(/\n$/, '').split('\n');
}
