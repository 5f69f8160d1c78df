import { createHash } from 'node:crypto';

/** The client's name for one attempt to write, and what it asked for under that name. */
export interface Attempt {
  readonly key: string;
  /** SHA-256 */
  readonly requestHash: Uint8Array;
}

/**
 * @param requestId the name (request_id, Idempotency-Key); '' where the client gave none
 * @param content what is asked for, as it was parsed: two spellings of one request are the same request
 */
export const attemptOf = (requestId: string, content: unknown): Attempt | undefined =>
  requestId === '' ? undefined : { key: requestId, requestHash: createHash('sha256').update(JSON.stringify(content)).digest() };
