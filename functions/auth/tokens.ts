import { createHash, createHmac, randomBytes, randomUUID } from 'node:crypto';
import type { PartsContext } from '../runtime/define-function.ts';
import { ACCESS_TOKEN_ALGORITHM, ACCESS_TOKEN_SECONDS, ACCESS_TOKEN_TYPE } from '../runtime/identity.ts';
import { type SettingsOf, secretKey, text } from '../runtime/settings.ts';
import { createSigningKeys, type SealedKey } from './keys.ts';

/** Where access tokens come from and whom they are for; the same variables that the runtime verifies callers by. */
export const verifierSettings = {
  issuer: text('TOKEN_ISSUER', 'https://record.local:8443'),
  audience: text('TOKEN_AUDIENCE', 'record-platform'),
};
export const issuerSettings = { ...verifierSettings, keyEncryptionKey: secretKey('KEY_ENCRYPTION_KEY') };
export const refreshSettings = { refreshTokenKey: secretKey('REFRESH_TOKEN_KEY') };

/** Signs an access token for a session. */
export type SignAccessToken = (userId: string, sessionId: string) => Promise<string>;

/**
 * Makes access tokens (RFC 9068, but for client_id: there are no OAuth clients here), good for 15 minutes. Which algorithm, and why: ACCESS_TOKEN_ALGORITHM.
 * It comes in two steps, so that an operation can be sure of a key before it stores anything: without a token the client could not go on.
 * @throws Refusal UPSTREAM_UNAVAILABLE, in the first step, where there is no key to sign with.
 */
export function createAccessTokens({
  settings,
  sql,
  now,
}: PartsContext<SettingsOf<typeof issuerSettings>>): () => Promise<SignAccessToken> {
  const signingKey = createSigningKeys({
    fetchKey: async () => (await sql<SealedKey>`select kid, alg, private_jwe from auth.signing_key()`)[0],
    keyEncryptionKey: settings.keyEncryptionKey,
    now,
  });
  return async () => {
    const [{ kid, privateKey }, { SignJWT }] = await Promise.all([signingKey(), import('jose')]);
    return async (userId, sessionId) => {
      const issuedAt = Math.floor(now().getTime() / 1000);
      return await new SignJWT({ sid: sessionId })
        .setProtectedHeader({ alg: ACCESS_TOKEN_ALGORITHM, typ: ACCESS_TOKEN_TYPE, kid })
        .setIssuer(settings.issuer)
        .setAudience(settings.audience)
        .setSubject(userId)
        .setJti(randomUUID())
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + ACCESS_TOKEN_SECONDS)
        .sign(privateKey);
    };
  };
}

/** An opaque refresh token: 32 bytes, 43 characters of base64url on the wire. The database only ever sees the hash. */
export interface RefreshToken {
  readonly text: string;
  readonly hash: Buffer;
}

const refreshToken = (bytes: Buffer): RefreshToken => ({
  text: bytes.toString('base64url'),
  // No salt and no stretching: nobody guesses 256 random bits.
  hash: createHash('sha256').update(bytes).digest(),
});

/** The first refresh token of a session. */
export const newRefreshToken = (): RefreshToken => refreshToken(randomBytes(32));

/**
 * The token that follows another one. It depends on nothing but the parent and the server's key, so two uses of the parent at once
 * get the same child, without its text being stored anywhere.
 */
export const childRefreshToken = (key: Buffer, parent: RefreshToken): RefreshToken =>
  refreshToken(createHmac('sha256', key).update('record-platform refresh token v1').update(Buffer.from(parent.text, 'base64url')).digest());

/** Reads a refresh token; undefined for what cannot be one of ours. */
export function parseRefreshToken(given: string): RefreshToken | undefined {
  const token = refreshToken(Buffer.from(given, 'base64url'));
  return given.length === 43 && token.text === given ? token : undefined;
}
