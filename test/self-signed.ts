import { generateKeyPairSync, sign } from 'node:crypto';

/** A key and a certificate for `localhost`, written out by hand (RFC 5280, section 4.1; RFC 8410, or RFC 5758 for `ec`, which Java knows as well). */
export function selfSigned(kind: 'ed25519' | 'ec' = 'ed25519'): { key: string; cert: string } {
  const der = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
    const content = Buffer.concat(parts);
    const length = content.length < 128 ? [content.length] : [0x82, content.length >> 8, content.length & 0xff];
    return Buffer.concat([Buffer.from([tag, ...length]), content]);
  };
  const { publicKey, privateKey } = kind === 'ec' ? generateKeyPairSync('ec', { namedCurve: 'prime256v1' }) : generateKeyPairSync('ed25519');
  const algorithm = der(0x30, Buffer.from(kind === 'ec' ? '06082a8648ce3d040302' : '06032b6570', 'hex'));
  const name = der(0x30, der(0x31, der(0x30, Buffer.from('0603550403', 'hex'), der(0x0c, Buffer.from('localhost')))));
  const time = (text: string): Buffer => der(0x18, Buffer.from(text));
  const body = der(0x30, der(0xa0, der(0x02, Buffer.from([2]))), der(0x02, Buffer.from([1])), algorithm, name, der(0x30, time('20200101000000Z'), time('20991231235959Z')), name, publicKey.export({ type: 'spki', format: 'der' }));
  const certificate = der(0x30, body, algorithm, der(0x03, Buffer.from([0]), sign(kind === 'ec' ? 'sha256' : null, body, privateKey)));
  return { key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string, cert: `-----BEGIN CERTIFICATE-----\n${certificate.toString('base64').replace(/.{1,64}/g, '$&\n')}-----END CERTIFICATE-----\n` };
}
