import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dependencies } from './order.ts';

const ordered = (nodes: readonly { key: string; dependsOn?: readonly string[] }[]): string[] => [...dependencies(nodes).order].map((i) => nodes[i]!.key);

test('parents come before children, and otherwise the given order holds', () => {
  assert.deepEqual(ordered([{ key: 'a', dependsOn: ['c'] }, { key: 'b' }, { key: 'c' }, { key: 'd', dependsOn: ['a', 'b'] }]), ['b', 'c', 'a', 'd']);
});

test('a dependency on what is not there is ignored, and so is saying it twice', () => {
  assert.deepEqual(ordered([{ key: 'a', dependsOn: ['z', 'b', 'b'] }, { key: 'b' }]), ['b', 'a']);
});

test('dependencies name addresses where entries have them', () => {
  const nodes = [{ key: 'child/1', dependsOn: ['/api/parent/1'] }, { key: 'parent/1', address: '/api/parent/1' }];
  assert.deepEqual([...dependencies(nodes).order], [1, 0]);
});

test('a cycle is named member by member, and what depends on it is left out too', () => {
  const nodes = [{ key: 'a', dependsOn: ['b'] }, { key: 'b', dependsOn: ['c'] }, { key: 'c', dependsOn: ['a'] }, { key: 'd', dependsOn: ['a'] }, { key: 'e' }];
  const { order, cycles } = dependencies(nodes);
  assert.deepEqual([...order].map((i) => nodes[i]!.key), ['e']);
  assert.equal(cycles.length, 1);
  assert.deepEqual(cycles[0]!.map((i) => nodes[i]!.key).sort(), ['a', 'b', 'c']);
});

test('an entry that depends on itself is a cycle of one', () => {
  assert.deepEqual(dependencies([{ key: 'a', dependsOn: ['a'] }]).cycles, [[0]]);
});

test('children of one level are never in the level of their parent', () => {
  const nodes = Array.from({ length: 100 }, (_, i) => ({ key: String(i), ...(i > 0 && { dependsOn: [String(Math.floor(i / 2))] }) }));
  const { order, levelEnds } = dependencies(nodes);
  const levelOf = new Map([...order].map((node, at) => [node, levelEnds.findIndex((end) => at < end)]));
  for (let i = 1; i < 100; i++) assert.ok(levelOf.get(Math.floor(i / 2))! < levelOf.get(i)!);
});
