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
