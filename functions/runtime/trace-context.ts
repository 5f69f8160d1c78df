import { randomFillSync, randomUUID } from 'node:crypto';
import { isUuid } from './check-fields.ts';

/** Where a request stands in a trace that began outside (W3C Trace Context, level 1). */
export interface TraceContext {
  /** 32 lower-case hex digits, not all zero. */
  readonly traceId: string;
  /** The caller's span: 16 lower-case hex digits, not all zero. */
  readonly parentSpanId: string;
  readonly sampled: boolean;
}

const traceparent = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/**
 * Reads a traceparent header. A later version than 00 may carry more after a dash; version 00 may not.
 * @returns undefined where the header is absent or not valid: the request then begins a trace of its own.
 */
export function parseTraceparent(header: string | undefined): TraceContext | undefined {
  if (header === undefined || header.length < 55 || header.length > 512) return undefined;
  const parts = traceparent.exec(header);
  if (parts === null) return undefined;
  const [, version, traceId, parentSpanId, flags, more] = parts as unknown as [string, string, string, string, string, string | undefined];
  if (version === '00' && more !== undefined) return undefined;
  return { traceId, parentSpanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** Writes a traceparent header for a call that goes out of the span `spanId`. */
export const makeTraceparent = (traceId: string, spanId: string, sampled: boolean): string =>
  `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;

// Random digits are made 16 KiB at a time: one id then costs a slice and no call into the crypto library.
const poolBytes = 16 * 1024;
let pool = '';
let taken = 0;

function randomHex(digits: number): string {
  if (taken + digits > pool.length) {
    pool = randomFillSync(Buffer.allocUnsafe(poolBytes)).toString('hex');
    taken = 0;
  }
  const id = pool.slice(taken, taken + digits);
  taken += digits;
  return id;
}

/** What a random id is once in 2^64 times, and must not be. */
const allZero = /^0+$/;

/** A new trace id: 32 lower-case hex digits, all of them random, as ratio samplers downstream expect. */
export function newTraceId(): string {
  const id = randomHex(32);
  return id[0] === '0' && allZero.test(id) ? newTraceId() : id;
}

/** A new span id: 16 lower-case hex digits. */
export function newSpanId(): string {
  const id = randomHex(16);
  return id[0] === '0' && allZero.test(id) ? newSpanId() : id;
}

/**
 * The request's id: the UUID that the edge set, or a new one. Anything else is not taken over: it would end in
 * log lines and response headers.
 */
export const requestIdFrom = (header: string | undefined): string => (header !== undefined && isUuid(header) ? header : randomUUID());
