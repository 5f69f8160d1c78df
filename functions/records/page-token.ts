import { createHmac, timingSafeEqual } from 'node:crypto';
import { refuse } from '../runtime/refusal.ts';

/** Where the next page begins: after this record, in the order of the list. */
export interface PagePosition {
  /** How exactly records must match, as it was decided for the first page: 0 to the letter, more where typos were forgiven. */
  readonly stage: number;
  /** What the list is sorted by, of this record, as PostgreSQL writes it: its rank, its artist, its year, its price. */
  readonly sortKey: string;
  /** RFC 3339, UTC, milliseconds. */
  readonly createdAt: string;
  readonly id: string;
}

/** What a page token is good for: this caller's list, for this query with these filters, in this order. */
export interface ListIdentity {
  readonly userId: string;
  readonly query: string;
  readonly filters: object;
  readonly order: string;
}

const VERSION = 2;
const MAC_BYTES = 16;

/** HMAC-SHA-256, cut to 128 bits (RFC 2104, section 5). Lengths go before texts, so that no two lists look alike. */
function macOf(key: Buffer, list: ListIdentity, payload: Buffer): Buffer {
  const mac = createHmac('sha256', key).update('record-platform page token');
  for (const text of [list.userId, list.query, JSON.stringify(list.filters), list.order])
    mac.update(`${Buffer.byteLength(text)}:`).update(text);
  return mac.update(payload).digest().subarray(0, MAC_BYTES);
}

/** Signs a position: opaque to clients, who could otherwise begin pages wherever they like. */
export function signPageToken(key: Buffer, list: ListIdentity, position: PagePosition): string {
  const payload = Buffer.from(JSON.stringify([VERSION, position.stage, position.sortKey, position.createdAt, position.id]));
  return Buffer.concat([macOf(key, list, payload), payload]).toString('base64url');
}

/**
 * Reads a token that signPageToken made for the same list.
 * @throws Refusal MALFORMED_PAGE_TOKEN for any other, without saying why
 */
export function readPageToken(key: Buffer, list: ListIdentity, token: string): PagePosition {
  const bytes = Buffer.from(token, 'base64url');
  const payload = bytes.subarray(MAC_BYTES);
  // base64url decodes leniently: only the canonical spelling is a token.
  if (
    payload.length === 0 ||
    bytes.toString('base64url') !== token ||
    !timingSafeEqual(bytes.subarray(0, MAC_BYTES), macOf(key, list, payload))
  )
    throw refuse('MALFORMED_PAGE_TOKEN');
  const [version, stage, sortKey, createdAt, id] = JSON.parse(payload.toString()) as [number, number, string, string, string];
  if (version !== VERSION) throw refuse('MALFORMED_PAGE_TOKEN');
  return { stage, sortKey, createdAt, id };
}
