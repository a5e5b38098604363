import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bindCredentials, CredentialsFailure } from './credentials.ts';
import { parseNetrc } from './netrc.ts';

const origin = 'http://h:8080';

function basic(text: string): { authorization: string } {
  return { authorization: `Basic ${Buffer.from(text).toString('base64')}` };
}

describe('credentials', () => {
  it('belong to scheme, host and port', () => {
    const { headersFor } = bindCredentials({ origin, environment: { SYNCLINE_TOKEN: 't', SYNCLINE_HEADER_X_API_KEY: 'k' } });
    assert.deepEqual(headersFor(origin), { 'x-api-key': 'k', 'authorization': 'Bearer t' });
    for (const other of ['https://h:8080', 'http://h', 'http://other:8080']) assert.equal(headersFor(other), undefined);
  });

  it('of a user come before a header, that before a token, that before a netrc file', () => {
    const netrc = parseNetrc('machine h login n password m');
    const environment = { SYNCLINE_TOKEN: 't', SYNCLINE_HEADER_AUTHORIZATION: 'Own x' };
    assert.deepEqual(bindCredentials({ origin, environment, netrc, user: { username: 'u', password: 'p' } }).headersFor(origin), basic('u:p'));
    assert.deepEqual(bindCredentials({ origin, environment, netrc }).headersFor(origin), { authorization: 'Own x' });
    assert.deepEqual(bindCredentials({ origin, environment: { SYNCLINE_TOKEN: 't' }, netrc }).headersFor(origin), { authorization: 'Bearer t' });
    assert.deepEqual(bindCredentials({ origin, environment: {}, netrc }).headersFor(origin), basic('n:m'));
  });

  it('of a netrc file go to the hosts it names over https, and over http to the endpoint only', () => {
    const netrc = parseNetrc('machine h login a password 1\nmachine other login b password 2\ndefault login c password 3');
    const { headersFor } = bindCredentials({ origin: 'http://mine', environment: {}, netrc });
    assert.deepEqual(headersFor('https://other'), basic('b:2'));
    assert.equal(headersFor('http://other'), undefined);
    assert.deepEqual(headersFor('http://mine'), basic('c:3'));
    assert.equal(headersFor('https://unnamed'), undefined);
  });

  it('are refused where a header cannot carry them, without being shown', () => {
    assert.throws(() => bindCredentials({ origin, environment: { SYNCLINE_TOKEN: 'sec\nret' } }), (error: Error) => error instanceof CredentialsFailure && !error.message.includes('sec'));
  });

  it('are taken out of what is printed', () => {
    const { redact } = bindCredentials({ origin, environment: { SYNCLINE_TOKEN: 'abc' }, netrc: parseNetrc('machine x password xyz') });
    assert.equal(redact('got Bearer abc and xyz'), 'got *** and ***');
  });

  it('are told apart by their fingerprint', () => {
    const fingerprint = (token: string): string => bindCredentials({ origin, environment: { SYNCLINE_TOKEN: token } }).fingerprint;
    assert.equal(fingerprint('a'), fingerprint('a'));
    assert.notEqual(fingerprint('a'), fingerprint('b'));
  });
});

describe('a netrc file', () => {
  it('is read over several lines, with quotes, comments and macros', () => {
    const text = '# comment\nmachine A\n\tlogin me\n\tpassword #not-a-comment\nmacdef init\nmachine wrong password no\n\nmachine b login "x y" password "a\\"b" # end\ndefault login anonymous password guest';
    assert.deepEqual(parseNetrc(text), [
      { machine: 'a', login: 'me', password: '#not-a-comment' },
      { machine: 'b', login: 'x y', password: 'a"b' },
      { machine: undefined, login: 'anonymous', password: 'guest' },
    ]);
  });
});
