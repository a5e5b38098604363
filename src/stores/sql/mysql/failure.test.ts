import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mysqlError, passesSoon } from './failure.ts';

test('a connection that is cut while it becomes encrypted is made anew, and a certificate that is not believed is not asked for again', () => {
  const during = (message: string): Error => Object.assign(new Error(message), { code: 'HANDSHAKE_SSL_ERROR', fatal: true });
  const cut = during('read ECONNRESET');
  assert.equal(mysqlError(cut, 'cannot look at it').sentence, 'cannot look at it: the connection was cut: check the address, see whether the server is up, and run again');
  assert.deepEqual([mysqlError(cut, '').code, passesSoon(cut)], ['unavailable', true]);
  const unknown = during('self-signed certificate');
  assert.deepEqual([mysqlError(unknown, '').code, passesSoon(unknown)], ['denied', false]);
});
