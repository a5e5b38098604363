const plain = /^[A-Za-z0-9\-._~/]*$/;
const leftOver = /[!'()*]/g;

/** A path as Signature Version 4 wants it: everything escaped but unreserved characters and slashes. Dots stay as they are. */
export function escapePath(path: string): string {
  return plain.test(path) ? path : path.split('/').map(escapeText).join('/');
}

/** A name or value in a query, escaped as Signature Version 4 wants it. `text` is well-formed. */
function escapeText(text: string): string {
  return encodeURIComponent(text).replace(leftOver, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** A query in the order in which it is signed; the empty text where nothing is asked. */
export function queryText(parameters: { readonly [name: string]: string | undefined }): string {
  return Object.entries(parameters)
    .flatMap(([name, value]) => (value === undefined ? [] : [`${escapeText(name)}=${escapeText(value)}`]))
    .sort()
    .join('&');
}
