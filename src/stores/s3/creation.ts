import type { Bucket } from './bucket.ts';
import { codeOf, refusalError } from './failure.ts';

/** Sees to it that a bucket exists: looks once, and creates it where it does not. */
export class Creation {
  readonly #bucket: Bucket;
  #done: Promise<void> | undefined;

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
  }

  /** Resolves when the bucket exists. Rejects where it does not and cannot be created, or cannot be asked for. */
  async ensure(signal: AbortSignal | undefined): Promise<void> {
    this.#done ??= this.#create(signal);
    const doing = this.#done;
    doing.catch(() => { if (this.#done === doing) this.#done = undefined; });
    await doing;
  }

  async #create(signal: AbortSignal | undefined): Promise<void> {
    const { client, bucket, name } = this.#bucket;
    const there = await client.send({ method: 'HEAD', signal });
    // Whoever may not look may still write: that will show.
    if (there.status !== 404) return;
    const { region } = client;
    const body = region === 'us-east-1' ? undefined : Buffer.from(`<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>${region}</LocationConstraint></CreateBucketConfiguration>`);
    const answer = await client.send({ method: 'PUT', ...(body && { body }), signal });
    if (answer.status < 300 || codeOf(answer) === 'BucketAlreadyOwnedByYou') return;
    throw refusalError(answer, { verb: 'create', place: name, bucket, details: { store: name } }, answer.attempts);
  }
}
