import type { Manifest } from '../manifests/render.ts';

/** Public parts of Secrets. */
const publicKeys = ['tls.crt', 'ca.crt'];

/** The texts of a Secret that nobody else may know: keys, passwords (in URLs, as they are and encoded), verifiers, the inside of PEM files. */
export function secretTexts({ data = {} }: Manifest): string[] {
  return Object.entries(data as Record<string, string>)
    .filter(([key]) => !publicKeys.includes(key))
    .flatMap(([, base64]) => textsOf(Buffer.from(base64, 'base64').toString()));
}

function textsOf(value: string): string[] {
  if (value.startsWith('-----BEGIN')) return value.split('\n').filter((line) => line.length >= 40 && !line.startsWith('-----'));
  if (URL.canParse(value) && value.includes('@')) {
    const { password } = new URL(value);
    return [...new Set([password, decodeURIComponent(password)])];
  }
  // "auth_app" "SCRAM-SHA-256$4096:…": names are short.
  return value.split(/[\s"]+/).filter((word) => word.length >= 16);
}
