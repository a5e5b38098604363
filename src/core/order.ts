import type { Key } from '../model/key.ts';

/** What ordering needs to know of an entry. */
export interface Dependent {
  readonly key: Key;
  /** What others call it; absent: its key. */
  readonly address?: string;
  readonly dependsOn?: readonly string[];
}

/** Who waits for whom, as indices into the nodes it was made from. */
export interface Dependencies {
  /** For each node, how many of the nodes it depends on are among the nodes. */
  readonly parents: Int32Array;
  /** The nodes that depend on node `i`. */
  childrenOf(i: number): Int32Array;
  /** Every node that can be ordered: parents before children; among equals, in the order the nodes were given. */
  readonly order: Int32Array;
  /** Where each level of `order` ends: the nodes of one level depend on none of each other. */
  readonly levelEnds: readonly number[];
  /** Groups of nodes that wait for each other in a circle, each in the order of the circle. */
  readonly cycles: readonly (readonly number[])[];
}

/**
 * The topological order of nodes, level by level, in time linear in nodes and dependencies (Kahn, 1962).
 * Dependencies on what is not among the nodes are ignored. Nodes in a cycle, and those that depend on one, are not in `order`.
 */
export function dependencies(nodes: readonly Dependent[]): Dependencies {
  const parents = new Int32Array(nodes.length);
  const { starts, children } = edges(nodes, parents);
  const childrenOf = (i: number): Int32Array => children.subarray(starts[i], starts[i + 1]);

  const waiting = parents.slice();
  const order = new Int32Array(nodes.length);
  let filled = 0;
  const levelEnds: number[] = [];
  let level: number[] = [];
  for (let i = 0; i < nodes.length; i++) if (waiting[i] === 0) level.push(i);
  while (level.length > 0) {
    order.set(level, filled);
    filled += level.length;
    levelEnds.push(filled);
    const next: number[] = [];
    for (const i of level) for (const child of childrenOf(i)) if (--waiting[child]! === 0) next.push(child);
    // Within a level the given order is restored, so that the result does not depend on the shape of the graph.
    level = next.sort((a, b) => a - b);
  }
  return { parents, childrenOf, order: order.subarray(0, filled), levelEnds, cycles: filled === nodes.length ? [] : cyclesAmong(nodes, waiting) };
}

/** Children by parent in one flat array: node `i`'s are from `starts[i]` to `starts[i + 1]`. Counts each node's parents on the way. */
function edges(nodes: readonly Dependent[], parents: Int32Array): { starts: Int32Array; children: Int32Array } {
  const byAddress = new Map<string, number>();
  let linked = false;
  for (const { dependsOn } of nodes) if (dependsOn !== undefined && dependsOn.length > 0) linked = true;
  const starts = new Int32Array(nodes.length + 1);
  if (!linked) return { starts, children: new Int32Array(0) };
  nodes.forEach(({ key, address = key }, i) => byAddress.set(address, i));

  const pairs: number[] = [];
  nodes.forEach(({ dependsOn }, child) => {
    for (const address of new Set(dependsOn)) {
      const parent = byAddress.get(address);
      if (parent === undefined) continue;
      pairs.push(parent, child);
      parents[child]!++;
      starts[parent + 1]!++;
    }
  });
  for (let i = 0; i < nodes.length; i++) starts[i + 1]! += starts[i]!;
  const free = starts.slice();
  const children = new Int32Array(pairs.length / 2);
  for (let at = 0; at < pairs.length; at += 2) children[free[pairs[at]!]!++] = pairs[at + 1]!;
  return { starts, children };
}

/** Follows, from each node still waiting, one parent that is waiting too, until the path bites its tail. */
function cyclesAmong(nodes: readonly Dependent[], waiting: Int32Array): number[][] {
  const byAddress = new Map<string, number>();
  nodes.forEach(({ key, address = key }, i) => { if (waiting[i]! > 0) byAddress.set(address, i); });
  const seen = new Int32Array(nodes.length);
  const cycles: number[][] = [];
  for (let start = 0; start < nodes.length; start++) {
    if (waiting[start] === 0 || seen[start] !== 0) continue;
    const path: number[] = [];
    let at: number | undefined = start;
    while (at !== undefined && seen[at] === 0) {
      seen[at] = start + 1;
      path.push(at);
      at = (nodes[at]!.dependsOn ?? []).map((address) => byAddress.get(address)).find((parent) => parent !== undefined);
    }
    if (at !== undefined && seen[at] === start + 1) cycles.push(path.slice(path.indexOf(at)).reverse());
  }
  return cycles;
}
