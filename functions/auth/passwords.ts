import { createHmac } from 'node:crypto';
import { availableParallelism } from 'node:os';
import type { Limits } from '../runtime/define-function.ts';
import { refuse, type Violation } from '../runtime/refusal.ts';
import { integer } from '../runtime/settings.ts';

/** Characters are Unicode code points of the NFKC form, so that one password has one length whichever keyboard wrote it. */
const lengthMax = 256;
/** Separates these digests from any other use of HMAC here. It may never change: every stored hash depends on it. */
const domain = 'record-platform password v1';
/**
 * Hashes at once. They run on libuv's pool, which has 4 threads by default and serves signatures and name look-ups too:
 * two stay free for those, however many cores there are.
 */
const hashesAtOnce = Math.min(availableParallelism(), 2);
/** Who waits behind more than this would wait longer than a client does: 16 hashes of 0.2 s on one core are 3 s. */
const waitingMax = 16 * hashesAtOnce;

export const passwordSettings = { cost: integer('BCRYPT_COST', { min: 10, max: 16, fallback: 12 }) };
export const newPasswordSettings = { passwordLengthMin: integer('PASSWORD_LENGTH_MIN', { min: 1, max: 64, fallback: 8 }) };

/** A function that hashes asks for more CPU, and for another instance long before its queue is full. */
export const hashingLimits: Partial<Limits> = { concurrency: 16, cpuMilli: 500 };

type Bcrypt = Pick<typeof import('@node-rs/bcrypt'), 'hash' | 'verify'>;

export interface Passwords {
  /** A bcrypt hash to store. */
  hash(password: string, signal?: AbortSignal): Promise<string>;
  /** Whether a password belongs to a stored hash. Without one it takes the same time, and is false. */
  verify(password: string, stored: string | undefined, signal?: AbortSignal): Promise<boolean>;
  /** Whether a stored hash was made at a lower cost than is now asked. */
  outdated(stored: string): boolean;
}

/**
 * Checks the length of a new password (NIST SP 800-63B, 3.1.1.2: code points are counted, nothing is truncated, no rule of composition).
 * Adds TOO_SHORT or TOO_LONG at `password` to the faults.
 */
export function checkNewPassword(password: string, lengthMin: number, faults: Violation[]): void {
  const length = [...password.normalize('NFKC')].length;
  const fault = (reason: string, says: string) => faults.push({ path: ['password'], reason, says });
  if (length < lengthMin) fault('TOO_SHORT', `A password has at least ${lengthMin} characters.`);
  if (length > lengthMax) fault('TOO_LONG', `A password has at most ${lengthMax} characters.`);
}

/**
 * Hashes and verifies passwords with bcrypt on native threads, a few at once; the rest wait in a queue of bounded length.
 * @throws Refusal TOO_BUSY where the queue is full, and the signal's reason where it aborts while waiting.
 */
export function createPasswords({
  cost,
  load = () => import('@node-rs/bcrypt'),
}: {
  readonly cost: number;
  /** Loads the native library, with the first password. */
  readonly load?: () => Promise<Bcrypt>;
}): Passwords {
  const inTurn = createTurns(hashesAtOnce, waitingMax);
  // Verifying against any well-formed hash of this cost does the same work: there is no need to make one at start.
  const nobody = `$2b$${String(cost).padStart(2, '0')}$${'.'.repeat(53)}`;
  return {
    hash: (password, signal) => inTurn(async () => await (await load()).hash(digest(password), { cost }), signal),
    verify: async (password, stored, signal) => {
      const matches = await inTurn(async () => await (await load()).verify(digest(password), stored ?? nobody), signal);
      return matches && stored !== undefined;
    },
    outdated: (stored) => Number(stored.split('$')[2]) < cost,
  };
}

/** What bcrypt gets to see: always 44 characters without a NUL, because bcrypt itself reads 72 bytes and stops at a NUL. */
const digest = (password: string): string => createHmac('sha256', domain).update(password.normalize('NFKC')).digest('base64');

/** Runs at most `atOnce` jobs at a time, in order of arrival; refuses when `waitingMax` wait already. */
function createTurns(atOnce: number, waitingMax: number) {
  let running = 0;
  const waiting = new Set<() => void>();

  const turn = (signal: AbortSignal | undefined): Promise<void> => {
    if (running < atOnce) {
      running += 1;
      return Promise.resolve();
    }
    if (waiting.size >= waitingMax) return Promise.reject(refuse('TOO_BUSY'));
    return new Promise((resolve, reject) => {
      const start = () => {
        signal?.removeEventListener('abort', leave);
        resolve();
      };
      // Whoever went away must not cost a hash.
      const leave = () => {
        waiting.delete(start);
        reject(signal?.reason);
      };
      waiting.add(start);
      signal?.addEventListener('abort', leave, { once: true });
    });
  };

  const pass = (): void => {
    const [next] = waiting;
    if (next === undefined) {
      running -= 1;
      return;
    }
    waiting.delete(next);
    next();
  };

  return async <T>(job: () => Promise<T>, signal?: AbortSignal): Promise<T> => {
    signal?.throwIfAborted();
    await turn(signal);
    try {
      return await job();
    } finally {
      pass();
    }
  };
}
