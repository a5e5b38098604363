/** What a request to an S3 or Swift server is for. */
export type RequestKind =
  | 'list' | 'get' | 'head' | 'put' | 'copy' | 'delete' | 'delete-many'
  | 'begin-parts' | 'part' | 'complete-parts' | 'abort-parts' | 'list-parts' | 'container' | 'other';

/** Tells what a request is for by its first line and one header field; `copied` is whether it names a source to copy from. */
export function requestKind(method: string, { pathname, searchParams: query }: URL, copied: boolean): RequestKind {
  if (pathname.startsWith('/v1/')) return swiftKind(method, pathname, query, copied);
  const parts = pathname.split('/').filter((part) => part !== '');
  if (parts.length > 1) return objectKind(method, query, copied);
  if (method === 'POST' && query.has('delete')) return 'delete-many';
  if (method === 'GET' && query.has('uploads')) return 'list-parts';
  // Sub-resources of a bucket, as in ?location, have no value; a listing has none of them.
  if (method === 'GET' && parts.length === 1 && [...query].every(([name, value]) => value !== '' || name === 'prefix' || name === 'delimiter')) return 'list';
  return parts.length === 1 ? 'container' : 'other';
}

function objectKind(method: string, query: URLSearchParams, copied: boolean): RequestKind {
  if (query.has('uploads')) return 'begin-parts';
  if (query.has('uploadId')) return ({ PUT: 'part', POST: 'complete-parts', DELETE: 'abort-parts', GET: 'list-parts' } as const)[method] ?? 'other';
  return wholeKind(method, copied);
}

function swiftKind(method: string, pathname: string, query: URLSearchParams, copied: boolean): RequestKind {
  const depth = pathname.split('/').filter((part) => part !== '').length;
  if (query.has('bulk-delete')) return 'delete-many';
  if (depth > 3) return method !== 'PUT' ? wholeKind(method, copied) : query.get('multipart-manifest') === 'put' ? 'complete-parts' : isSegment(pathname) ? 'part' : wholeKind(method, copied);
  if (depth === 3) return method === 'GET' ? 'list' : 'container';
  return 'other';
}

/** As far as names tell. */
function isSegment(pathname: string): boolean {
  return /^\/v1\/[^/]+\/[^/]+_segments\//.test(pathname);
}

function wholeKind(method: string, copied: boolean): RequestKind {
  if (method === 'PUT') return copied ? 'copy' : 'put';
  return ({ GET: 'get', HEAD: 'head', DELETE: 'delete', COPY: 'copy' } as const)[method] ?? 'other';
}
