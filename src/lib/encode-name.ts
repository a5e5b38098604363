const longestName = 240;

/**
 * A file name for any part of a key. What is safe on every platform stays as it is; the rest becomes `%` and the
 * hexadecimal digits of its UTF-8 bytes. Different parts have different names, though a file system that ignores
 * letter case may take two for one. Throws a `RangeError` with a sentence where there can be no name.
 */
export function encodeName(part: string): string {
  if (!part.isWellFormed()) throw new RangeError('a name that is not well-formed Unicode cannot be a file name');
  // The empty part is written as an escape that no character has.
  if (part === '') return '%';
  let name = part;
  if (unsafe.test(name)) name = name.replace(unsafeGlobal, escapeAll);
  if (device.test(name)) name = escapeAll(name.charAt(0)) + name.slice(1);
  if (name.length * 3 > longestName && Buffer.byteLength(name) > longestName) {
    throw new RangeError(`a name of ${Buffer.byteLength(name)} bytes is too long for a file name (${longestName})`);
  }
  return name;
}

/** The part that {@link encodeName} made `name` of; `undefined` where it makes no such name. */
export function decodeName(name: string): string | undefined {
  if (name === '%') return '';
  if (!name.includes('%')) return isOwn(name, name) ? name : undefined;
  try {
    const part = decodeURIComponent(name.replace(/%(?![0-9A-F]{2})/g, '%25'));
    return isOwn(part, name) ? part : undefined;
  } catch {
    return undefined;
  }
}

function isOwn(part: string, name: string): boolean {
  try {
    return encodeName(part) === name;
  } catch {
    return false;
  }
}

// A per cent sign stays as it is unless it reads as an escape, or is all there is.
const unsafeSource = String.raw`[\u0000-\u001f\u007f-\u009f/\\<>:"|?*\u2028\u2029]|^[. ~]|[. ]$|%(?=[0-9A-Fa-f]{2})|^%$`;
const unsafe = new RegExp(unsafeSource);
const unsafeGlobal = new RegExp(unsafeSource, 'g');
const device = /^(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³]) *(?:$|\.)/i;

function escapeAll(text: string): string {
  let escaped = '';
  for (const byte of Buffer.from(text)) escaped += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  return escaped;
}
