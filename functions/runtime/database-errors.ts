import { Refusal, type RefusalTable, refuse } from './refusal.ts';
import { REFUSED_BY_DATABASE } from './sql.ts';

/** The driver's own codes, and the system's, for a connection that could not be made or was lost. */
const connectionCodes = new Set([
  'CONNECT_TIMEOUT',
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/**
 * SQLSTATE classes and codes that pass by themselves: 08 connection exceptions, which PgBouncer uses for all its own messages
 * (query_wait_timeout, server_login_retry, a crashed server); 53 too little of something; 57P shutdowns; 40 rolled back by the server
 * because of another transaction; 25006 a standby that was a primary.
 */
const unavailable = /^(08...|53...|57P..|40001|40P01|25006)$/;

/** The statement, its lock or its transaction took too long. */
const tooLate = /^(57014|55P03|25P03|25P04)$/;

/** Whether the connection itself is at fault, so that it must not be used again. */
export function isConnectionFault(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && (connectionCodes.has(code) || /^(08...|57P..|25P03|25P04)$/.test(code));
}

/** Somebody asked the server to cancel it; a time limit says "statement timeout" instead. */
export function isCancelled(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return code === '57014' && String(message).includes('user request');
}

/** The plan of a prepared statement is of before a migration; PgBouncer keeps it until its server connection ends. */
export function isStalePlan(error: unknown): boolean {
  const { code, routine } = error as { code?: unknown; routine?: unknown };
  return (code === '0A000' && routine === 'RevalidateCachedQuery') || (code === '26000' && routine === 'FetchPreparedStatement');
}

/** Makes a refusal of what the database said, where it is one. Constraint violations and faults of ours pass as they are. */
export function translateError(error: unknown, refusals: RefusalTable): unknown {
  if (error instanceof Refusal) return error;
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (typeof code !== 'string') return error;
  if (code === REFUSED_BY_DATABASE && typeof message === 'string') {
    const row = refusals[message];
    // A reason that the table lacks is a fault of ours, and must not reach a client.
    return row === undefined ? error : new Refusal(message, row);
  }
  // The row in it is people's data; the constraint's name says enough.
  delete (error as { detail?: unknown }).detail;
  if (tooLate.test(code)) return refuse('DEADLINE_EXCEEDED', { cause: error });
  if (connectionCodes.has(code) || unavailable.test(code)) return refuse('UPSTREAM_UNAVAILABLE', { cause: error });
  return error;
}
