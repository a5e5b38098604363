import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOf } from './endpoint.ts';
import { parseIni } from './ini.ts';
import { escapePath, queryText } from './uri.ts';
import { elementOf, elementsOf, escapeXml, textOf } from './xml.ts';

test('a path is escaped part by part, dots and slashes stay', () => {
  assert.equal(escapePath('/b/a b/../%2F+#?é(1)*\n'), '/b/a%20b/../%252F%2B%23%3F%C3%A9%281%29%2A%0A');
  assert.equal(escapePath('/plain-Text_1.0~x'), '/plain-Text_1.0~x');
});

test('a query is sorted, and what is not given is not asked', () => {
  assert.equal(queryText({ 'prefix': 'a/ b', 'list-type': '2', 'marker': undefined, 'delete': '' }), 'delete=&list-type=2&prefix=a%2F%20b');
});

test('elements are found with their text, attributes or not, and references read', () => {
  const xml = '<?xml version="1.0"?><R xmlns="x"><K>a &amp;&#x41;&#66; &lt;b&gt;</K><E/><K>two</K><O x="1">in</O></R>';
  assert.equal(textOf(xml, 'K'), 'a &AB <b>');
  assert.deepEqual([...elementsOf(xml, 'K')], ['a &amp;&#x41;&#66; &lt;b&gt;', 'two']);
  assert.equal(elementOf(xml, 'E'), '');
  assert.equal(elementOf(xml, 'O'), 'in');
  assert.equal(elementOf(xml, 'N'), undefined);
  assert.equal(elementOf('<K>cut', 'K'), undefined);
  const awkward = `<a> & "b" 'c' \t\n\u0085`;
  assert.equal(textOf(`<K>${escapeXml(awkward)}</K>`, 'K'), awkward);
});

test('a shared file is read by sections, with comments, prefixes and nested blocks', () => {
  const sections = parseIni('# c\n[default]\nregion = eu-west-1 # here\n[profile two]\n s3 =\n[profile three]\ns3 =\n  addressing_style = path\n  endpoint_url=http://x\naws_access_key_id=A=B\n');
  assert.deepEqual([...sections.get('default') ?? []], [['region', 'eu-west-1']]);
  assert.deepEqual([...sections.get('three') ?? []], [['s3', ''], ['s3.addressing_style', 'path'], ['s3.endpoint_url', 'http://x'], ['aws_access_key_id', 'A=B']]);
});

test('a bucket is a host at Amazon and a path elsewhere, unless said otherwise', () => {
  const at = (endpoint: string | undefined, bucket: string, style?: 'path' | 'virtual'): unknown => addressOf({ endpoint, region: 'eu-west-1', bucket, style });
  assert.deepEqual(at(undefined, 'b-1'), { origin: 'https://b-1.s3.eu-west-1.amazonaws.com', host: 'b-1.s3.eu-west-1.amazonaws.com', base: '/' });
  assert.deepEqual(at(undefined, 'b.1'), { origin: 'https://s3.eu-west-1.amazonaws.com', host: 's3.eu-west-1.amazonaws.com', base: '/b.1/' });
  assert.deepEqual(at('http://127.0.0.1:9000/', 'b'), { origin: 'http://127.0.0.1:9000', host: '127.0.0.1:9000', base: '/b/' });
  assert.deepEqual(at('https://host/s3', 'b', 'virtual'), { origin: 'https://b.host', host: 'b.host', base: '/s3/' });
  assert.equal(at('ftp://host', 'b'), undefined);
});
