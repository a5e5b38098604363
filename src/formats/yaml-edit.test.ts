import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { anyDocument } from '../../test/arbitraries.ts';
import type { Document } from '../model/document.ts';
import { editYaml, readYaml } from './yaml-read.ts';
import { writeYaml } from './yaml-write.ts';

const text = `# About this file.

# Why a.
a: 1 # one
b: # the b's
  # Why c.
  c: 2
  # the end of b

# Why list.
list: # the list
  - one # first
  # Why x.
  - x: 1 # ex
    # Why z.
    z: 2
  # the end of list
more: | # as they are
  # no comment
  text # neither

  more
quoted: "a # b" # c
zero: {} # empty
# the end
`;
const document = readYaml(text, 'place') as Document;

describe('editing YAML', () => {
  test('nothing changes where nothing changed', () => assert.equal(editYaml(text, document), text));

  test('comments stay with what they are about', () => {
    const edited = editYaml(text, { ...document, '0': 0, a: 'x\ny', b: { c: [3], d: 4 }, list: ['zero', ...(document['list'] as string[]), 'last'] });
    assert.equal(edited, text
      .replace('# Why a.\na: 1 # one', '"0": 0\n# Why a.\na: |- # one\n  x\n  y')
      .replace('  c: 2\n  # the end of b', '  c:\n    - 3\n  # the end of b\n  d: 4')
      .replace('  - one # first', '  - zero\n  - one # first')
      .replace('  # the end of list', '  # the end of list\n  - last'));
    assert.equal(editYaml(edited, readYaml(edited, 'place') as Document), edited);
  });

  test('comments go with what they are about', () => {
    assert.equal(editYaml(text, { list: [{ x: 2, z: 2 }], quoted: 1 }), '# About this file.\n\n# Why list.\nlist: # the list\n  - x: 2\n    z: 2\nquoted: 1 # c\n# the end\n');
  });

  test('text without comments is written anew', () => {
    assert.equal(editYaml("a: 'x'\nb: {c: 1}\n", { a: 'x', b: { c: 1 } }), 'a: x\nb:\n  c: 1\n');
    assert.equal(editYaml('a: "#"\n', { a: '#' }), 'a: "#"\n');
  });

  test('text that cannot be read is written anew', () => assert.equal(editYaml('a: [1 # x', { a: 1 }), 'a: 1\n'));

  test('whatever was there, what is written is the document', () => {
    const noted = fc.tuple(anyDocument, fc.array(fc.constantFrom('# x', ' # y', '', '  # z', '#', '    # "', '# a: b'), { size: 'max', maxLength: 20 })).map(([earlier, notes]) => {
      const lines = writeYaml(earlier).split('\n');
      for (const [i, note] of notes.entries()) lines.splice((i * 7) % (lines.length + 1), 0, note);
      return lines.join('\n');
    });
    fc.assert(fc.property(noted, anyDocument, (earlier, now) => {
      assert.deepEqual(readYaml(editYaml(earlier, now), 'place'), now);
    }), { numRuns: 1_000 });
  });
});
