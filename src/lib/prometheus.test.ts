import assert from 'node:assert/strict';
import { test } from 'node:test';
import { prometheusText } from './prometheus.ts';

test('metrics come with their help and type, one sample a line', () => {
  assert.equal(prometheusText([
    { name: 'runs_total', kind: 'counter', help: 'Runs.', samples: [{ labels: { reach: 'whole', result: 'ok' }, value: 3 }, { labels: { reach: 'part', result: 'ok' }, value: 0 }] },
    { name: 'behind', kind: 'gauge', help: 'Entries.', samples: [{ value: 1.5 }] },
  ]), '# HELP runs_total Runs.\n# TYPE runs_total counter\nruns_total{reach="whole",result="ok"} 3\nruns_total{reach="part",result="ok"} 0\n# HELP behind Entries.\n# TYPE behind gauge\nbehind 1.5\n');
});

test('what would end a line or a label is escaped', () => {
  const text = prometheusText([{ name: 'x', kind: 'gauge', help: 'a\\b\nc', samples: [{ labels: { place: '"a"\\\n' }, value: Infinity }] }]);
  assert.equal(text, '# HELP x a\\\\b\\nc\n# TYPE x gauge\nx{place="\\"a\\"\\\\\\n"} +Inf\n');
});
