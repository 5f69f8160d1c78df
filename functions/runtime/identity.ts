import type { CryptoKey, JWK } from 'jose';
import type { Caller } from './define-function.ts';
import { Refusal, refuse } from './refusal.ts';

/**
 * What signs access tokens here, and nothing else is accepted: a token that names another algorithm ("none" too) is refused.
 * ES256, because it measured better than EdDSA through jose 6 on Node 26, in CPU microseconds a call, medians of four
 * alternating runs: sign 60 against 82, verify 124 against 166 (17,000 and 8,100 a second; 12,500 and 6,300).
 */
export const ACCESS_TOKEN_ALGORITHM = 'ES256';
/** The media type of a JWT access token (RFC 9068, section 2.1). */
export const ACCESS_TOKEN_TYPE = 'at+jwt';
export const ACCESS_TOKEN_SECONDS = 15 * 60;
/** How far the clocks of an issuer and of a verifier may differ. */
export const CLOCK_SKEW_SECONDS = 30;

const keysFreshSeconds = 60;
/** A token with an unknown key id asks for the keys again, but not more often than this: forged ids must not hammer the database. */
const unknownKeySeconds = 1;
/**
 * Known by the whole header: to cut the token out of it, or to hash it, costs more than the rest of a call's identity. The token is in
 * this memory anyway.
 */
const headersCachedMax = 4096;
/**
 * Five characters of a signature are 30 random bits: as good a key as all of it, without hashing a string. (The very last has four
 * bits only.) What has the same key is compared whole.
 */
const keyOf = (authorization: string): number => {
  let key = 0;
  for (let index = authorization.length - 6; index < authorization.length - 1; index++)
    key = (key << 6) ^ (authorization.charCodeAt(index) & 63);
  return key;
};
const tokenCachedSeconds = 60;
const scheme = 'Bearer ';
/** Ours have about 480 characters. */
const tokenLengthMax = 4096;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export interface Identity {
  /**
   * Who the access token of an Authorization header speaks for (RFC 6750, section 2.1). It says nothing about the session: that is asked
   * of the database in the operation's own round trip.
   * @throws Refusal UNAUTHENTICATED for any token that is not good now; UPSTREAM_UNAVAILABLE where the keys cannot be fetched.
   */
  verifyHeader(authorization: string | undefined): Promise<Caller>;
  /** The same of a token by itself. */
  verify(token: string): Promise<Caller>;
  /** The same for a header whose token was verified less than a minute ago, without a promise; undefined where it was not. */
  cached(authorization: string | undefined): Caller | undefined;
  /** Loads what the first token will need; what fails now fails then. */
  warm(): void;
}

/** Verifies access tokens (RFC 9068, RFC 8725). jose loads with the first token. */
export function createIdentity(parts: {
  readonly issuer: string;
  readonly audience: string;
  /** The published keys, each with its kid and alg: `select jwk from auth.verification_keys()`. */
  readonly fetchKeys: () => Promise<readonly JWK[]>;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
}): Identity {
  const { nowMs } = parts;
  const keySet = createKeySet(parts.fetchKeys, nowMs, () => verified.clear());
  const verified = new Map<number, { authorization: string; caller: Caller; untilMs: number }>();

  const cached = (authorization: string | undefined): Caller | undefined => {
    if (authorization === undefined) return undefined;
    const entry = verified.get(keyOf(authorization));
    return entry?.authorization === authorization && nowMs() < entry.untilMs ? entry.caller : undefined;
  };

  const remember = (authorization: string, caller: Caller, expiresMs: number): void => {
    const oldest = verified.keys().next();
    if (verified.size >= headersCachedMax && !oldest.done) verified.delete(oldest.value);
    const untilMs = Math.min(expiresMs, nowMs() + tokenCachedSeconds * 1000);
    verified.set(keyOf(authorization), { authorization, caller, untilMs });
  };

  const verifyHeader = async (authorization: string | undefined): Promise<Caller> => {
    const known = cached(authorization);
    if (known !== undefined) return known;
    if (authorization === undefined || !/^bearer ./i.test(authorization)) throw refuse('UNAUTHENTICATED');
    const token = authorization.slice(scheme.length);
    if (token.length > tokenLengthMax) throw refuse('UNAUTHENTICATED');
    const { jwtVerify } = await import('jose');
    try {
      const { payload } = await jwtVerify(token, (header) => keySet.keyOf(header.kid), {
        algorithms: [ACCESS_TOKEN_ALGORITHM],
        typ: ACCESS_TOKEN_TYPE,
        issuer: parts.issuer,
        audience: parts.audience,
        requiredClaims: ['sub', 'sid', 'jti', 'iat', 'exp'],
        maxTokenAge: ACCESS_TOKEN_SECONDS,
        clockTolerance: CLOCK_SKEW_SECONDS,
        currentDate: new Date(nowMs()),
      });
      const caller = Object.freeze({ userId: claimedId(payload.sub), sessionId: claimedId(payload.sid) });
      remember(authorization, caller, Number(payload.exp) * 1000);
      return caller;
    } catch (error) {
      throw error instanceof Refusal ? error : refuse('UNAUTHENTICATED', { cause: error });
    }
  };

  return { verifyHeader, verify: (token) => verifyHeader(`Bearer ${token}`), cached, warm: () => void keySet.fetchOnce().catch(() => {}) };
}

function claimedId(claim: unknown): string {
  if (typeof claim !== 'string' || !uuid.test(claim)) throw new Error('sub and sid must be UUIDs');
  return claim;
}

/**
 * The published keys by key id: fetched at first need, again when they are a minute old or do not hold the id, by one fetch at a time.
 * `onRemoved` runs when a key that was published is no more: what it signed must not be trusted from memory.
 */
function createKeySet(fetchKeys: () => Promise<readonly JWK[]>, nowMs: () => number, onRemoved: () => void) {
  let keys = new Map<string, CryptoKey>();
  let fetchedMs = Number.NEGATIVE_INFINITY;
  let fetching: Promise<void> | undefined;

  const load = async (): Promise<void> => {
    const { importJWK } = await import('jose');
    const published = await fetchKeys().catch((cause) => {
      throw cause instanceof Refusal ? cause : refuse('UPSTREAM_UNAVAILABLE', { cause });
    });
    const next = new Map<string, CryptoKey>();
    for (const jwk of published) {
      if (jwk.kid === undefined || jwk.alg !== ACCESS_TOKEN_ALGORITHM) continue;
      next.set(jwk.kid, keys.get(jwk.kid) ?? ((await importJWK(jwk)) as CryptoKey));
    }
    const removed = [...keys.keys()].some((kid) => !next.has(kid));
    keys = next;
    fetchedMs = nowMs();
    if (removed) onRemoved();
  };

  const fetchOnce = (): Promise<void> => {
    fetching ??= load().finally(() => {
      fetching = undefined;
    });
    return fetching;
  };

  const keyOf = async (kid: string | undefined): Promise<CryptoKey> => {
    const ageMs = nowMs() - fetchedMs;
    const known = kid !== undefined && keys.has(kid);
    if (ageMs >= keysFreshSeconds * 1000 || (!known && ageMs >= unknownKeySeconds * 1000)) await fetchOnce();
    const key = kid === undefined ? undefined : keys.get(kid);
    if (key === undefined) throw new Error('no published key has this key id');
    return key;
  };

  return { keyOf, fetchOnce };
}
