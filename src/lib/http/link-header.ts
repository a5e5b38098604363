/** One link after another: its target, then its parameters, of which any may be quoted. */
const link = /\s*<([^>]*)>((?:\s*;\s*[^\s=;,"]+(?:\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s;,"]*))?)*)\s*(?:,|$)/y;
const parameter = /;\s*([^\s=;,"]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*)))?/g;

/**
 * Where the links of a relation lead that a `Link` field names (RFC 8288), as written there. Links that are about another place than the
 * answer (`anchor`) are left out, and so is all that follows something malformed.
 */
export function linkTargets(field: string, relation: string): readonly string[] {
  const targets: string[] = [];
  link.lastIndex = 0;
  for (let found = link.exec(field); found; found = link.exec(field)) {
    const [, target = '', parameters = ''] = found;
    const given = new Map<string, string>();
    for (const [, name = '', quoted, plain = ''] of parameters.matchAll(parameter)) {
      const value = quoted?.replaceAll(/\\(.)/g, '$1') ?? plain;
      // Of two relations under one name the first counts (section 3.3).
      if (!given.has(name.toLowerCase())) given.set(name.toLowerCase(), value);
    }
    if (!given.has('anchor') && given.get('rel')?.toLowerCase().split(/\s+/).includes(relation)) targets.push(target);
  }
  return targets;
}
