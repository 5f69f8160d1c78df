import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto';

/** What PostgreSQL's own clients use. */
const ITERATIONS = 4096;

/**
 * Makes what PostgreSQL stores in place of a password (RFC 5803): "SCRAM-SHA-256$4096:salt$StoredKey:ServerKey".
 * Made here and not in the server, so that the password never stands in a statement, a log or pg_stat_activity.
 */
export function scramVerifier(password: string, salt: Buffer = randomBytes(16), iterations = ITERATIONS): string {
  const salted = pbkdf2Sync(password.normalize('NFKC'), salt, iterations, 32, 'sha256');
  const clientKey = createHmac('sha256', salted).update('Client Key').digest();
  const storedKey = createHash('sha256').update(clientKey).digest('base64');
  const serverKey = createHmac('sha256', salted).update('Server Key').digest('base64');
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey}:${serverKey}`;
}

/** Whether a text is such a verifier, as PostgreSQL itself tells one from a password. */
export const isScramVerifier = (text: string): boolean =>
  /^SCRAM-SHA-256\$\d+:[A-Za-z0-9+/=]+\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=$/.test(text);

/** Whether a stored verifier belongs to a password. */
export function scramMatches(verifier: string | null, password: string): boolean {
  const parts = /^SCRAM-SHA-256\$(\d+):([^$]+)\$/.exec(verifier ?? '');
  if (verifier === null || parts === null) return false;
  const ours = scramVerifier(password, Buffer.from(parts[2] as string, 'base64'), Number(parts[1]));
  return ours.length === verifier.length && timingSafeEqual(Buffer.from(ours), Buffer.from(verifier));
}
