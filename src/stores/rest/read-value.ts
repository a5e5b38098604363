import { detectFormat } from '../../formats/detect.ts';
import { readJson } from '../../formats/json.ts';
import { readYaml } from '../../formats/yaml-read.ts';
import type { HttpResponse } from '../../lib/http/client.ts';
import { decodeText, mediaTypeOf } from '../../lib/http/media-type.ts';
import { printableUrl } from '../../lib/http/url.ts';
import type { Document, Value } from '../../model/document.ts';
import { isDocument } from '../../model/document.ts';
import { SyncError } from '../../model/errors.ts';

/** What we would like to be answered with. */
export const accepted = 'application/hal+json, application/json, application/yaml;q=0.9, */*;q=0.5';

const yamlTypes = new Set(['application/yaml', 'application/x-yaml', 'text/yaml', 'text/x-yaml', 'text/vnd.yaml', 'application/vnd.yaml']);

/**
 * The value in a response's body, JSON or YAML by its content type, and by its looks where it has none. Throws
 * `unsupported` on another type and `corrupt` on a body that is not what it says, naming the URL and the line.
 */
export function valueOf({ url, headers, body }: Pick<HttpResponse, 'url' | 'headers' | 'body'>): Value {
  const place = printableUrl(url);
  const type = mediaTypeOf(headers['content-type']);
  const format = type === undefined ? undefined : formatOf(type.essence);
  if (type !== undefined && format === undefined) {
    throw new SyncError('unsupported', `${place} answers with ${type.essence}, which is neither JSON nor YAML`, { hint: 'check that this is an address of the API' });
  }
  const text = decodeText(body, type?.charset);
  if (text === undefined) throw new SyncError('corrupt', `${place} answers with text that is not ${type?.charset ?? 'UTF-8'}`, { hint: 'have the server name the charset it uses' });
  if (text.trim() === '') throw new SyncError('corrupt', `${place} answers with nothing`, { hint: 'check the address' });
  return (format ?? detectFormat(text)) === 'json' ? readJson(text, place) : readYaml(text, place);
}

/** The document in a response's body. Throws as {@link valueOf} does, and `corrupt` where it holds a list or a scalar. */
export function documentOf(response: Pick<HttpResponse, 'url' | 'headers' | 'body'>): Document {
  const value = valueOf(response);
  if (!isDocument(value)) throw new SyncError('corrupt', `${printableUrl(response.url)} answers with ${Array.isArray(value) ? 'a list' : 'a single value'} instead of a document`, { hint: 'check the address' });
  return value;
}

function formatOf(essence: string): 'json' | 'yaml' | undefined {
  if (essence === 'application/json' || essence === 'text/json' || essence.endsWith('+json')) return 'json';
  return yamlTypes.has(essence) || essence.endsWith('+yaml') ? 'yaml' : undefined;
}
