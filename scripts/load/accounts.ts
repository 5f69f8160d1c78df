import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HttpAnswer, HttpClient, HttpRequest } from '../demo/http.ts';
import { isRunning } from '../stack/proc.ts';
import { Remedy } from '../tools/install.ts';

/** A record that is read by its id and found by a word that no other record of its owner has. */
export interface KnownRecord {
  readonly id: string;
  readonly name: string;
  readonly word: string;
}

/** A user of the load: registered through the API, with records of their own. The tokens change as they are renewed. */
export interface Account {
  readonly email: string;
  readonly password: string;
  readonly userId: string;
  readonly records: readonly KnownRecord[];
  token: string;
  refreshToken: string;
}

/** How many records each account is given before the load begins. */
const recordsEach = 20;
/** Hashing a password takes a fifth of a second of a core: more at once would only wait in the functions' own short queue. */
const registerAtOnce = 2;
const accountsAtOnce = 4;
/** A function may have to start first. */
const patienceMs = 60_000;

/**
 * Accounts for the load. Those of an earlier run are used again, where their sessions still live: a refresh token costs no password hash.
 * The others are registered and given records, through the API.
 * @param file keeps them; readable by its owner alone, since it holds passwords and tokens of these accounts
 * @param onProgress told how many are ready
 * @throws Remedy where the API refuses
 */
export async function readyAccounts(options: {
  readonly client: HttpClient;
  readonly count: number;
  readonly file: string;
  readonly onProgress: (ready: number) => void;
  readonly signal: AbortSignal;
}): Promise<Account[]> {
  const { client, count, file, onProgress, signal } = options;
  const kept = readKept(file);
  const accounts: Account[] = [];
  const ready = (account: Account): void => {
    accounts.push(account);
    onProgress(accounts.length);
  };
  try {
    await atOnce(kept.slice(0, count), accountsAtOnce, signal, async (account) => {
      if (await renew(client, account)) ready(account);
    });
    await atOnce(Array.from({ length: count - accounts.length }), registerAtOnce, signal, async () => ready(await newAccount(client)));
  } finally {
    // A refresh token works once: what was made or renewed is kept, also where the rest failed.
    keep(file, [...accounts, ...kept.slice(count)]);
  }
  signal.throwIfAborted();
  return accounts;
}

/**
 * Renews the tokens of all accounts while a load runs: they are good for 15 minutes. One that can't be renewed keeps its old one, and its
 * requests are then counted as failed.
 */
export async function renewAll(client: HttpClient, accounts: readonly Account[], file: string, signal: AbortSignal): Promise<void> {
  await atOnce(accounts, accountsAtOnce, signal, async (account) => void (await renew(client, account).catch(() => false)));
  keep(file, [...accounts, ...readKept(file).slice(accounts.length)]);
}

/**
 * Takes the accounts of earlier runs for this process alone: a refresh token that two runs use ends the session of both. Another run at
 * the same time has accounts of its own. Those of a run that died are taken over.
 * @param file where they are between runs
 * @returns where they are now, and what gives them back
 */
export function claimAccounts(file: string): { readonly file: string; release(): void } {
  const mine = `${file}.${process.pid}`;
  const left = globSync(`${file}.*`).filter((path) => !isRunning(Number(path.slice(file.length + 1))));
  const [free] = [file, ...left].filter((path) => existsSync(path));
  if (free !== undefined) renameSync(free, mine);
  return { file: mine, release: () => existsSync(mine) && renameSync(mine, file) };
}

function readKept(file: string): Account[] {
  if (!existsSync(file)) return [];
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return [];
  }
}

function keep(file: string, accounts: readonly Account[]): void {
  mkdirSync(dirname(file), { recursive: true });
  const part = join(dirname(file), `.part.${process.pid}`);
  writeFileSync(part, JSON.stringify(accounts), { mode: 0o600 });
  renameSync(part, file);
}

async function renew(client: HttpClient, account: Account): Promise<boolean> {
  const { status, body } = await patiently(client, {
    method: 'POST',
    path: '/api/auth/refresh',
    body: { refreshToken: account.refreshToken },
  });
  if (status !== 200) return false;
  account.token = body.token;
  account.refreshToken = body.refreshToken;
  return true;
}

async function newAccount(client: HttpClient): Promise<Account> {
  const email = `load-${randomUUID()}@example.com`;
  const password = randomBytes(12).toString('base64url');
  const registered = await patiently(client, { method: 'POST', path: '/api/auth/register', body: { email, password } });
  expectStatus(201, 'register', registered);
  const { token, refreshToken, user } = registered.body;
  const records = await Promise.all(
    Array.from({ length: recordsEach }, async (_, index): Promise<KnownRecord> => {
      // Letters alone, so that the word is one word for the search, and long, so that no other is like it.
      const word = randomBytes(12)
        .toString('hex')
        .replaceAll(/\d/g, (digit) => 'ghijklmnop'[Number(digit)] as string);
      const name = `Side ${index + 1} of ${word}`;
      const made = await patiently(client, {
        method: 'POST',
        path: '/api/records',
        token,
        body: { artist: 'The Openers', name, label: 'Loop', releaseYear: 1970 + index },
        headers: { 'idempotency-key': randomUUID() },
      });
      expectStatus(201, 'add a record', made);
      return { id: made.body.id, name, word };
    }),
  );
  return { email, password, userId: user.id, records, token, refreshToken };
}

function expectStatus(expected: number, what: string, { status, body }: HttpAnswer): void {
  if (status !== expected)
    throw new Remedy(
      `An account of the load could not ${what}: ${status} ${body?.code ?? ''} ${body?.detail ?? ''}\nIs this the API of record-platform? (--target)`,
    );
}

/** Comes again when the answer says later, and where nobody could answer. */
async function patiently(client: HttpClient, request: HttpRequest): Promise<HttpAnswer> {
  for (const until = performance.now() + patienceMs; ; ) {
    const answer = await client.send(request);
    if (![429, 503, 504].includes(answer.status) || performance.now() > until) return answer;
    await sleep(1000 * Number(answer.headers['retry-after'] ?? 1));
  }
}

/** Does something for each of a list, a few at once. */
async function atOnce<T>(list: readonly T[], limit: number, signal: AbortSignal, work: (item: T) => Promise<void>): Promise<void> {
  const rest = list.values();
  const worker = async () => {
    for (const item of rest) if (!signal.aborted) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(limit, list.length) }, worker));
}
