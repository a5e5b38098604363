/**
 * Why there is no way into a cloud. `invalid`: what was given to log in with is incomplete or contradicts itself.
 * `denied`: it was not accepted. `unavailable`: the identity service did not answer as one.
 */
export type OpenstackFailureKind = 'invalid' | 'denied' | 'unavailable';

/** Logging in failed. Its message and hint name where things came from, never what is secret in them. */
export class OpenstackFailure extends Error {
  override readonly name = 'OpenstackFailure';
  readonly kind: OpenstackFailureKind;
  readonly hint: string;
  constructor(kind: OpenstackFailureKind, message: string, hint: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
    this.hint = hint;
  }
}
