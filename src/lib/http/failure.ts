import { HttpFailure } from './http-failure.ts';

/** An abort as everything that can be aborted reports it. */
export function aborted(): DOMException {
  return new DOMException('the request was given up', 'AbortError');
}

const unreachable = new Set(['ECONNREFUSED', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL', 'EADDRINUSE', 'EACCES']);
const certificate = /^(?:ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_MISMATCH|EPROTO|INVALID_CA|INVALID_PURPOSE)/;

/** What the socket said, as a kind of failure and a sentence. */
export function failureOf(error: Error, url: string, answered: boolean): HttpFailure {
  if (error instanceof HttpFailure) return error;
  // Where a host has several addresses and none answers, the reasons come together.
  const cause = error instanceof AggregateError ? (error.errors[0] as Error) : error;
  const code = String((cause as NodeJS.ErrnoException).code ?? '');
  if (code === 'ENOTFOUND') return new HttpFailure('unknown-host', url, `cannot connect to ${hostOf(url)}: there is no such host`, error);
  if (unreachable.has(code) && !answered) return new HttpFailure('unreachable', url, `cannot connect to ${hostOf(url)}: ${reasonOf(code)}`, error);
  if (certificate.test(code)) return new HttpFailure('tls', url, `no secure connection to ${hostOf(url)}: ${tlsReasonOf(code, cause)}`, error);
  if (code === 'ETIMEDOUT') return new HttpFailure('timeout', url, `no answer in time from ${url}`, error);
  return new HttpFailure('broken', url, answered ? `the connection broke in the middle of the answer of ${url}` : `the connection broke before ${url} answered`, error);
}

function reasonOf(code: string): string {
  switch (code) {
    case 'ECONNREFUSED': return 'nothing listens there';
    case 'EAI_AGAIN': return 'the host name cannot be looked up now';
    default: return `it cannot be reached (${code})`;
  }
}

function tlsReasonOf(code: string, cause: Error): string {
  switch (code) {
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN': return 'its certificate is signed by itself';
    case 'CERT_HAS_EXPIRED': return 'its certificate has expired';
    case 'ERR_TLS_CERT_ALTNAME_INVALID': return 'its certificate is for another host';
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_GET_ISSUER_CERT': return 'its certificate comes from an unknown authority';
    case 'EPROTO':
    case 'ERR_SSL_WRONG_VERSION_NUMBER': return 'it does not speak TLS there';
    default: return cause.message.split('\n', 1)[0] ?? code;
  }
}

function hostOf(url: string): string {
  return url.slice(url.indexOf('//') + 2).split('/', 1)[0] ?? url;
}
