import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpointOf } from './addresses.ts';

const query = { modified: 'tmstmp' };

test('hosts become an endpoint, and an endpoint is completed', () => {
  for (const [address, endpoint] of [
    ['127.0.0.1:9042', 'cassandra://127.0.0.1:9042/app?modified=tmstmp'],
    ['db1,db2:9043', 'cassandra://db1,db2:9043/app?modified=tmstmp'],
    ['[::1]:9042', 'cassandra://[::1]:9042/app?modified=tmstmp'],
    ['cassandra://db1', 'cassandra://db1/app?modified=tmstmp'],
    ['cassandra://db1/?tls=true', 'cassandra://db1/app?modified=tmstmp&tls=true'],
    ['cassandra://db1/other?modified=at', 'cassandra://db1/other?modified=at'],
    ['./records', './records'],
    ['memory:x', 'memory:x'],
    ['records.yaml/', 'records.yaml/'],
  ] as const) assert.equal(endpointOf('cassandra', address, 'app', query), endpoint);
  assert.equal(endpointOf('elasticsearch', 'opensearch://search:9200', 'a b', query), 'opensearch://search:9200/a%20b?modified=tmstmp');
});
