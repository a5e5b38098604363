// Every law of a store, held by a directory on a real OpenSSH server.
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { joinKey, splitKey } from '../src/model/key.ts';
import { plainHost } from '../src/model/plain-host.ts';
import type { Store } from '../src/model/store.ts';
import { simple } from '../src/schema/simple.ts';
import { documentsIn } from '../src/stores/documents/documents-in.ts';
import { testStore, wrapped } from '../src/testing/index.ts';
import type { Subject } from '../src/testing/index.ts';
import { openSftp, sftpHost, sshd, withoutSshd } from './services/sshd.ts';
import type { Sshd } from './services/sshd.ts';

/** A directory that is not there yet. */
function onServer(seen: (blobs: Store) => Store, subject: Partial<Subject> = {}, portOf: (server: Sshd) => number = ({ port }) => port): Subject {
  let path = '';
  const open = async (): Promise<Store> => seen(await openSftp(path, {}, sftpHost(), portOf(await sshd())));
  return {
    open: async () => {
      path = join((await sshd()).folder, randomUUID());
      return await open();
    },
    reopen: open,
    // A page holds 500.
    manyEntries: 520,
    ...subject,
  };
}

/** Documents of the simple schema, which hold their own keys. */
const documents: Partial<Subject> = {
  schema: simple,
  partBytes: 240,
  key: (name) => joinKey(['thing', name]),
  document: (key, fields) => {
    const [type = '', id = ''] = splitKey(key);
    return { ...fields, type, id, uri: `/api/${type}/${Buffer.from(id).toString('hex')}` };
  },
};

/** Names that lead out of a directory, that no file may have, or that need a directory where there is a file. */
const refuses = ['a/b', '..', '.', '../up', 'a/../b', './a', '/a', 'a/', 'a//b', '\u0000'];

const blobs = onServer((store) => store, { refuses });
describe('SFTP', withoutSshd, () => testStore(test, blobs));
describe('SFTP, wrapped', withoutSshd, () => testStore(test, wrapped(blobs)));

const forgive = { 'an expectation that holds lets the write through, unguarded just where it is not enforced': 'what a server lacks is known once it is connected to, and then each write says so' };
const plain = onServer((store) => store, { refuses, forgive }, ({ plainPort }) => plainPort);
describe('SFTP, by a server that adds nothing to the protocol', withoutSshd, () => testStore(test, plain));

describe('SFTP, as documents', withoutSshd, () => testStore(test, onServer((store) => documentsIn(store, { schema: simple, format: 'yaml', host: plainHost }), documents)));
