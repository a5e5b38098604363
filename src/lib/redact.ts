/**
 * Text without secrets that a command line may have brought in: what stands before `@` in the authority of a URL,
 * and the values of parameters that are named like credentials.
 */
export function redact(text: string): string {
  return text
    .replace(/([a-z][a-z0-9+.-]*:\/\/)[^\s/?#'"]*@/gi, '$1')
    .replace(/([?&;][^=&\s'"]*(?:token|secret|password|passwd|api[_-]?key|signature|credential)[^=&\s'"]*=)[^&\s'"#]*/gi, '$1…');
}
