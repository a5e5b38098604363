import { createHmac, createSecretKey, hash } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/** What a request is signed with. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** Milliseconds since the Unix epoch after which these no longer hold. */
  readonly expiresAt?: number;
}

/** One request as it is signed. */
export interface Signable {
  readonly method: string;
  readonly host: string;
  /** Escaped, without query. */
  readonly path: string;
  /** Escaped and sorted. */
  readonly query: string;
  /** Names in lower case and their values, in turn, in the order in which they are signed: by name. */
  readonly headers: readonly string[];
  /** A body that is part of the signature. Of others, header fields have to say what they are. */
  readonly body?: Uint8Array | undefined;
}

/** Stands for a body that is no part of the signature: what a few bytes of orders can bear is too much for a file. */
const unsigned = 'UNSIGNED-PAYLOAD';

/**
 * Signs requests to one service in one region (AWS Signature Version 4). The key, which holds for a day, and the time,
 * which holds for a second, are worked out once.
 */
export class Signer {
  readonly region: string;
  readonly credentials: AwsCredentials;
  #second = -1;
  #time = '';
  #day = '';
  #scope = '';
  #key: KeyObject = createSecretKey(Buffer.alloc(1));

  constructor(credentials: AwsCredentials, region: string) {
    this.credentials = credentials;
    this.region = region;
  }

  /** Header fields and values, in turn: those of the request, and those that sign it. */
  sign({ method, host, path, query, headers, body }: Signable, now: number): string[] {
    this.#moveTo(now);
    const payload = body ? hash('sha256', body) : unsigned;
    const { accessKeyId, sessionToken } = this.credentials;
    const own = ['host', host, 'x-amz-content-sha256', payload, 'x-amz-date', this.#time, ...(sessionToken === undefined ? [] : ['x-amz-security-token', sessionToken])];
    const all = merge(headers, own);
    let [lines, names] = ['', ''];
    for (let i = 0; i < all.length; i += 2) {
      lines += `${all[i]}:${all[i + 1]}\n`;
      names += i === 0 ? all[i] : `;${all[i]}`;
    }
    const canonical = `${method}\n${path}\n${query}\n${lines}\n${names}\n${payload}`;
    const text = `AWS4-HMAC-SHA256\n${this.#time}\n${this.#scope}\n${hash('sha256', canonical, 'hex')}`;
    const signature = createHmac('sha256', this.#key).update(text).digest('hex');
    all.push('authorization', `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${this.#scope}, SignedHeaders=${names}, Signature=${signature}`);
    return all;
  }

  #moveTo(now: number): void {
    const second = Math.floor(now / 1000);
    if (second === this.#second) return;
    this.#second = second;
    this.#time = new Date(second * 1000).toISOString().replace(/[-:]|\.\d+/g, '');
    const day = this.#time.slice(0, 8);
    if (day === this.#day) return;
    this.#day = day;
    this.#scope = `${day}/${this.region}/s3/aws4_request`;
    const key = [day, this.region, 's3', 'aws4_request'].reduce((last, part) => createHmac('sha256', last).update(part).digest(), Buffer.from(`AWS4${this.credentials.secretAccessKey}`));
    // Made into a key once: given as bytes, it would cost more than the signature.
    this.#key = createSecretKey(key);
  }
}

/** Two lists of names and values, each in the order of its names, as one. */
function merge(a: readonly string[], b: readonly string[]): string[] {
  const all: string[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (j >= b.length || (i < a.length && a[i]! < b[j]!)) {
      all.push(a[i]!, collapsed(a[i + 1]!));
      i += 2;
    } else {
      all.push(b[j]!, b[j + 1]!);
      j += 2;
    }
  }
  return all;
}

/** A field's value as it is signed, which is also how it is sent, so that nobody on the way can read it otherwise. */
function collapsed(value: string): string {
  return value.includes('  ') || value.startsWith(' ') || value.endsWith(' ') ? value.trim().replace(/ {2,}/g, ' ') : value;
}
