/** Why a server cannot be reached, by what the platform says; in its own words where there are no better ones. */
export function unreachable(code: string, said: string): string {
  switch (code) {
    case 'ENOTFOUND': return 'there is no host of that name';
    case 'ECONNREFUSED': return 'nothing listens there';
    case 'ETIMEDOUT': return 'it does not answer';
    case 'ECONNRESET':
    case 'EPIPE':
    case 'PROTOCOL_CONNECTION_LOST': return 'the connection was cut';
    default: return said;
  }
}

/** Why a server is not believed to be who it says it is, by what the platform says, and what to do about it; `undefined` where it is about something else. `by`: how an authority is named. */
export function distrusted(said: string, by: string): { readonly why: string; readonly hint: string } | undefined {
  if (/altnames/i.test(said)) return { why: 'its certificate is for another host', hint: 'write the name that the certificate has, and check that the server is the right one' };
  if (/certificate has expired/i.test(said)) return { why: 'its certificate has expired', hint: 'have it renewed' };
  const hint = `check that the server is the right one, and name the file of its authority ${by}`;
  if (/self-signed/i.test(said)) return { why: 'its certificate is signed by itself', hint };
  return /certificate/i.test(said) ? { why: `its certificate is not believed (${said})`, hint } : undefined;
}
