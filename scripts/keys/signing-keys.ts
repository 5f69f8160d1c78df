import postgres from 'postgres';
import { makeKey } from '../../functions/auth/keys.ts';
import { ACCESS_TOKEN_SECONDS } from '../../functions/runtime/identity.ts';

/** Where the keys are, and what seals their private parts. */
export interface KeyStore {
  /** Of record_migrator, past PgBouncer or through it. */
  readonly url: string;
  /** 32 bytes: KEY_ENCRYPTION_KEY of the auth functions. */
  readonly keyEncryptionKey: Buffer;
}

export interface ListedKey {
  readonly kid: string;
  readonly alg: string;
  readonly state: 'next' | 'signs' | 'verifies' | 'retired';
  readonly active_from: Date;
  readonly retire_at: Date | null;
}

/** A new key is published this long before it signs: verifiers hold keys for 1 minute, clients of the JWKS for 5. */
export const publishSeconds = 10 * 60;
/** A key is published this much longer than it signs: its last token's life, and 5 minutes for clocks and caches. */
export const overlapSeconds = ACCESS_TOKEN_SECONDS + 5 * 60;

/** Any number: all who change the keys of one database meet at this advisory lock. */
const KEYS_LOCK = 7_565_737;

/** Makes a first signing key where none can sign. Safe to repeat, and for several at once. @returns the id of a new key */
export function ensureSigningKey(store: KeyStore): Promise<string | undefined> {
  return changeKeys(store, async (sql) => {
    // Not now(), which is when this transaction began: who waited for the lock must see the key that was made meanwhile.
    const [signing] = await sql`select kid from auth.signing_keys
      where active_from <= clock_timestamp() and (retire_at is null or retire_at > clock_timestamp())`;
    return signing === undefined ? await addKey(sql, store.keyEncryptionKey, 0) : undefined;
  });
}

/**
 * Publishes a new key now, signs with it 10 minutes later, and drops the keys before it when their last tokens have expired.
 * Where the old key is compromised nobody waits: the new one signs at once and every token of the old one is refused within 2 minutes
 * (clients refresh). @returns the id of the new key
 */
export function rotateSigningKey(store: KeyStore, { compromised = false } = {}): Promise<string> {
  const [publish, overlap] = compromised ? [0, 0] : [publishSeconds, overlapSeconds];
  return changeKeys(store, async (sql) => {
    await sql`delete from auth.signing_keys where retire_at < now() - interval '30 days'`;
    // A key that is still waiting may be known to the same people; it has signed nothing.
    if (compromised) await sql`delete from auth.signing_keys where active_from > now()`;
    await sql`update auth.signing_keys set retire_at = date_trunc('milliseconds', now()) + make_interval(secs => ${publish + overlap})
      where retire_at is null or retire_at > now() + make_interval(secs => ${publish + overlap})`;
    return await addKey(sql, store.keyEncryptionKey, publish);
  });
}

/** Every key, the newest first. */
export function listSigningKeys({ url }: Pick<KeyStore, 'url'>): Promise<ListedKey[]> {
  return asOwner(
    url,
    (sql) => sql<ListedKey[]>`
      select kid, alg, active_from, retire_at, case
        when retire_at <= now() then 'retired'
        when active_from > now() then 'next'
        when kid = (select kid from auth.signing_key()) then 'signs'
        else 'verifies' end as state
      from auth.signing_keys order by active_from desc, kid desc`,
  );
}

async function addKey(sql: postgres.Sql, keyEncryptionKey: Buffer, activeInSeconds: number): Promise<string> {
  const { kid, alg, public_jwk, private_jwe } = await makeKey(keyEncryptionKey);
  await sql`insert into auth.signing_keys (kid, alg, public_jwk, private_jwe, active_from)
    values (${kid}, ${alg}, ${sql.json(public_jwk as postgres.JSONValue)}, ${private_jwe},
      date_trunc('milliseconds', now()) + make_interval(secs => ${activeInSeconds}))`; // rounded up, it would not be active at once
  return kid;
}

function changeKeys<T>(store: KeyStore, change: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  return asOwner(store.url, async (sql) => {
    await sql`select pg_advisory_xact_lock(${KEYS_LOCK})`;
    return await change(sql);
  });
}

async function asOwner<T>(url: string, work: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = postgres(url, { max: 1, prepare: false, fetch_types: false, connect_timeout: 5, onnotice: () => {} });
  try {
    return (await sql.begin(async (transaction) => {
      await transaction`set local role record_owner`;
      return await work(transaction as unknown as postgres.Sql);
    })) as T;
  } finally {
    await sql.end({ timeout: 5 });
  }
}
