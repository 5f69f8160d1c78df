import { createPublicKey, generateKeyPairSync, randomUUID } from 'node:crypto';
import { decodeJwt, exportJWK, type JWTPayload, SignJWT } from 'jose';
import { createSigningKeys, type SealedKey } from '../../functions/auth/keys.ts';
import type { Account, Platform } from './platform.ts';

/**
 * What an Authorization header may hold that is no good, by what is wrong with it. All but the forged ones are signed by
 * the platform's own key, so that only the named fault can be the reason. undefined: no header at all.
 */
export async function badTokens(platform: Platform, account: Account): Promise<[what: string, authorization: string | undefined][]> {
  const { sql } = platform.database;
  const { kid, privateKey } = await createSigningKeys({
    fetchKey: async () => (await sql<SealedKey[]>`select kid, alg, private_jwe from auth.signing_key()`)[0],
    keyEncryptionKey: platform.keys.keyEncryptionKey,
    now: () => new Date(),
  })();
  const good = decodeJwt(account.token);
  const now = Math.floor(Date.now() / 1000);
  const sign = (
    claims: JWTPayload,
    header: { alg?: string; typ?: string; kid?: string } = {},
    key: Parameters<SignJWT['sign']>[0] = privateKey,
  ) => new SignJWT({ ...good, ...claims }).setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid, ...header }).sign(key);
  const bare = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const [head = '', claims = '', signature = ''] = account.token.split('.');
  const forger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const [{ jwk } = { jwk: {} }] = await sql<{ jwk: object }[]>`select jwk from auth.verification_keys()`;
  const publicPem = createPublicKey({ key: jwk as never, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
  const ended = await platform.newAccount();
  await platform.endSession(ended.refreshToken);

  const tokens: Record<string, string> = {
    'that has expired': await sign({ iat: now - 1200, exp: now - 300 }),
    'from the future': await sign({ iat: now + 600, exp: now + 1500 }),
    'that lasts longer than any': await sign({ iat: now - 3600, exp: now + 3600 }),
    'for another audience': await sign({ aud: 'somewhere-else' }),
    'without an audience': await sign({ aud: undefined as never }),
    'of another issuer': await sign({ iss: 'https://evil.example' }),
    'of another type': await sign({}, { typ: 'JWT' }),
    'without an expiry': await sign({ exp: undefined as never }),
    'without a session': await sign({ sid: undefined }),
    'whose subject is no id': await sign({ sub: 'admin' }),
    'of an unknown key': await sign({}, { kid: 'nobody' }),
    'signed by another key': await sign({}, {}, forger.privateKey),
    'that brings its own key': await new SignJWT(good)
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', jwk: await exportJWK(forger.publicKey) })
      .sign(forger.privateKey),
    'signed with the public key as a secret': await sign({}, { alg: 'HS256' }, Buffer.from(publicPem)),
    'of alg none': `${bare({ alg: 'none', typ: 'at+jwt', kid })}.${claims}.`,
    'of alg none with the signature': `${bare({ alg: 'None', typ: 'at+jwt', kid })}.${claims}.${signature}`,
    'whose claims were changed': `${head}.${bare({ ...good, sub: randomUUID() })}.${signature}`,
    'whose signature was cut off': `${head}.${claims}.${signature.slice(0, -4)}`,
    'without a signature': `${head}.${claims}`,
    'that is none': 'garbage',
    'longer than any': `${account.token}${'A'.repeat(5000)}`,
    'that is a refresh token': account.refreshToken,
    'of a session that has ended': ended.token,
    'of a session that never was': await sign({ sid: randomUUID() }),
  };
  const headers: [string, string | undefined][] = Object.entries(tokens).map(([what, token]) => [what, `Bearer ${token}`]);
  return [
    ...headers,
    ['that is not there', undefined],
    ['that is empty', 'Bearer '],
    ['of another scheme', `Basic ${Buffer.from(`${account.email}:${account.password}`).toString('base64')}`],
    ['without its scheme', account.token],
  ];
}
