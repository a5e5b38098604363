import type { Host } from '../../model/host.ts';
import type { Kind } from './links.ts';

const kinds: { readonly [kind in Exclude<Kind, 'file' | 'directory'>]: readonly [one: string, several: string] } = {
  special: ['neither a file nor a directory', 'neither files nor directories'],
  link: ['a symbolic link', 'symbolic links'],
  loose: ['a symbolic link that leads nowhere', 'symbolic links that lead nowhere'],
  astray: ['a symbolic link to a directory out of the tree or above itself', 'symbolic links to directories out of the tree or above themselves'],
};

/** How many of a kind are named. */
const named = 5;

/** What a scan passes over, told of in one warning for each kind. */
export class PassedOver {
  readonly #host: Host;
  readonly #found = new Map<keyof typeof kinds, { readonly places: string[]; count: number }>();

  constructor(host: Host) {
    this.#host = host;
  }

  add(kind: keyof typeof kinds, place: string): void {
    let found = this.#found.get(kind);
    if (!found) this.#found.set(kind, (found = { places: [], count: 0 }));
    if (++found.count <= named) found.places.push(place);
  }

  end(): void {
    for (const [kind, { places, count }] of this.#found) {
      const [one, several] = kinds[kind];
      const others = count > named ? ` and ${count - named} more` : '';
      this.#host.log('warn', `${places.join(', ')}${others} ${count === 1 ? `is ${one} and is` : `are ${several} and are`} passed over`);
    }
  }
}
