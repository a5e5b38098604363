/** Who is believed to be who they say they are, over TLS. */
export interface Trust {
  /** False: anybody is. */
  readonly verify: boolean;
  /** Certificates of authorities (PEM), instead of those that this machine trusts. */
  readonly authorities?: string;
}

/** The same, as connections are told. */
export function connectingWith(trust: Trust | undefined): { readonly connect?: { readonly rejectUnauthorized: boolean; readonly ca?: string } } {
  if (!trust) return {};
  return { connect: { rejectUnauthorized: trust.verify, ...(trust.authorities !== undefined && { ca: trust.authorities }) } };
}
