const types: { readonly [extension: string]: string } = {
  html: 'text/html', htm: 'text/html', css: 'text/css', txt: 'text/plain', csv: 'text/csv', md: 'text/markdown', ics: 'text/calendar', vtt: 'text/vtt', vcf: 'text/vcard',
  js: 'text/javascript', mjs: 'text/javascript', json: 'application/json', map: 'application/json', ndjson: 'application/x-ndjson', jsonld: 'application/ld+json', geojson: 'application/geo+json',
  webmanifest: 'application/manifest+json', xml: 'application/xml', rss: 'application/rss+xml', atom: 'application/atom+xml', xhtml: 'application/xhtml+xml', yaml: 'application/yaml', yml: 'application/yaml', toml: 'application/toml',
  pdf: 'application/pdf', rtf: 'application/rtf', epub: 'application/epub+zip', zip: 'application/zip', gz: 'application/gzip', tgz: 'application/gzip', bz2: 'application/x-bzip2', xz: 'application/x-xz', zst: 'application/zstd', tar: 'application/x-tar', '7z': 'application/x-7z-compressed', rar: 'application/vnd.rar', jar: 'application/java-archive',
  wasm: 'application/wasm', parquet: 'application/vnd.apache.parquet', sqlite: 'application/vnd.sqlite3', doc: 'application/msword', docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document', xls: 'application/vnd.ms-excel', xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', ppt: 'application/vnd.ms-powerpoint', pptx: 'application/vnd.openxmlformats-officedocument.presentationml.presentation',
  odt: 'application/vnd.oasis.opendocument.text', ods: 'application/vnd.oasis.opendocument.spreadsheet', ps: 'application/postscript',
  png: 'image/png', jpg: 'image/jpeg', jpeg: 'image/jpeg', gif: 'image/gif', webp: 'image/webp', avif: 'image/avif', svg: 'image/svg+xml', ico: 'image/vnd.microsoft.icon', bmp: 'image/bmp', tif: 'image/tiff', tiff: 'image/tiff', heic: 'image/heic', jxl: 'image/jxl',
  mp3: 'audio/mpeg', m4a: 'audio/mp4', ogg: 'audio/ogg', oga: 'audio/ogg', opus: 'audio/ogg', wav: 'audio/wav', flac: 'audio/flac', aac: 'audio/aac', mid: 'audio/midi',
  mp4: 'video/mp4', m4v: 'video/mp4', webm: 'video/webm', ogv: 'video/ogg', mov: 'video/quicktime', avi: 'video/x-msvideo', mkv: 'video/x-matroska', mpeg: 'video/mpeg', m3u8: 'application/vnd.apple.mpegurl', ts: 'video/mp2t',
  woff: 'font/woff', woff2: 'font/woff2', ttf: 'font/ttf', otf: 'font/otf',
};

/** The media type that goes with a name's extension; what may be anything where there is none, or an unknown one. */
export function contentTypeOf(name: string): string {
  const dot = name.lastIndexOf('.');
  const extension = dot > name.lastIndexOf('/') ? name.slice(dot + 1).toLowerCase() : '';
  return (Object.hasOwn(types, extension) ? types[extension] : undefined) ?? 'application/octet-stream';
}
