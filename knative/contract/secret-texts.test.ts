import assert from 'node:assert/strict';
import { test } from 'node:test';
import { secretTexts } from './secret-texts.ts';

const secret = (data: Record<string, string>) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'one' },
  data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')])),
});

for (const { name, data, expected } of [
  { name: 'a key', data: { KEY: 'A'.repeat(44) }, expected: ['A'.repeat(44)] },
  { name: 'the password of a URL, not its host', data: { URL: 'postgres://app:p%2Fw@host.example:5432/db' }, expected: ['p%2Fw', 'p/w'] },
  {
    name: 'verifiers, not the names before them',
    data: { 'userlist.txt': '"auth_app" "SCRAM-SHA-256$4096:x"\n"record_app" "SCRAM-SHA-256$4096:y"\n' },
    expected: ['SCRAM-SHA-256$4096:x', 'SCRAM-SHA-256$4096:y'],
  },
  {
    name: 'a private key, not the certificate',
    data: { 'tls.crt': 'B'.repeat(60), 'tls.key': `-----BEGIN K-----\n${'C'.repeat(64)}\n-----END K-----\n` },
    expected: ['C'.repeat(64)],
  },
])
  test(`of a Secret is secret: ${name}`, () => assert.deepEqual(secretTexts(secret(data)), expected));
