import type { CryptoKey, JWK } from 'jose';
import { ACCESS_TOKEN_ALGORITHM } from '../runtime/identity.ts';
import { refuse } from '../runtime/refusal.ts';

/** A signing key as the database holds it: the private part is a JWE (RFC 7516) that only holders of KEY_ENCRYPTION_KEY can open. */
export interface SealedKey {
  readonly kid: string;
  readonly alg: string;
  readonly private_jwe: string;
}

/** A signing key ready for use. */
export interface SigningKey {
  readonly kid: string;
  readonly privateKey: CryptoKey;
}

/** A rotated key becomes the signing one this much later at most; it is published long before (scripts/keys.ts). */
const freshSeconds = 30;

/**
 * The key that signs now. It is fetched and opened at first need and again every 30 seconds, by one fetch at a time.
 * @throws Refusal UPSTREAM_UNAVAILABLE where there is none or it cannot be fetched.
 */
export function createSigningKeys(parts: {
  readonly fetchKey: () => Promise<SealedKey | undefined>;
  readonly keyEncryptionKey: Buffer;
  readonly now: () => Date;
}): () => Promise<SigningKey> {
  let current: SigningKey | undefined;
  let fetchedMs = 0;
  let fetching: Promise<SigningKey> | undefined;

  const load = async (): Promise<SigningKey> => {
    const sealed = await parts.fetchKey();
    if (sealed === undefined)
      throw refuse('UPSTREAM_UNAVAILABLE', { cause: new Error('there is no signing key: run `npm run keys -- ensure`') });
    if (current?.kid !== sealed.kid) current = { kid: sealed.kid, privateKey: await openKey(sealed, parts.keyEncryptionKey) };
    fetchedMs = parts.now().getTime();
    return current;
  };

  return async () => {
    if (current !== undefined && parts.now().getTime() - fetchedMs < freshSeconds * 1000) return current;
    fetching ??= load().finally(() => {
      fetching = undefined;
    });
    return await fetching;
  };
}

/** Makes a key pair; the private part leaves this function sealed only. The key id is the thumbprint of the public part (RFC 7638). */
export async function makeKey(keyEncryptionKey: Buffer): Promise<SealedKey & { readonly public_jwk: JWK }> {
  const { calculateJwkThumbprint, CompactEncrypt, exportJWK, generateKeyPair } = await import('jose');
  const pair = await generateKeyPair(ACCESS_TOKEN_ALGORITHM, { extractable: true });
  const bare = await exportJWK(pair.publicKey);
  const kid = await calculateJwkThumbprint(bare);
  const alg = ACCESS_TOKEN_ALGORITHM;
  const private_jwe = await new CompactEncrypt(Buffer.from(JSON.stringify(await exportJWK(pair.privateKey))))
    // The key id is inside what is authenticated: a sealed key can't be passed off as another one.
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid })
    .encrypt(keyEncryptionKey);
  return { kid, alg, public_jwk: { ...bare, use: 'sig', alg, kid }, private_jwe };
}

async function openKey({ kid, alg, private_jwe }: SealedKey, keyEncryptionKey: Buffer): Promise<CryptoKey> {
  const { compactDecrypt, importJWK } = await import('jose');
  const options = { keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: ['A256GCM'] };
  const opened = await compactDecrypt(private_jwe, keyEncryptionKey, options).catch((cause) => {
    throw new Error(`KEY_ENCRYPTION_KEY does not open signing key ${kid}`, { cause });
  });
  if (opened.protectedHeader.kid !== kid) throw new Error(`what is sealed for signing key ${kid} is another key`);
  return (await importJWK(JSON.parse(Buffer.from(opened.plaintext).toString()) as JWK, alg)) as CryptoKey;
}
