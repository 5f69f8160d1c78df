import { type RefusalTable, refusalsOf } from '../runtime/refusal.ts';

/** What only the records functions refuse. */
export const recordsRefusals = {
  ETAG_MISMATCH: { grpc: 'ABORTED', http: 412, says: 'The record has changed since this etag was read.' },
  REQUEST_IN_PROGRESS: {
    grpc: 'ABORTED',
    http: 409,
    says: 'A request with this idempotency key is still running.',
    retryAfterSeconds: 1,
  },
  IDEMPOTENCY_KEY_REUSED: {
    grpc: 'FAILED_PRECONDITION',
    http: 422,
    says: 'This idempotency key was used for another request.',
  },
  NOT_A_COLLECTION: {
    grpc: 'INVALID_ARGUMENT',
    http: 400,
    says: 'The first line must name the columns, each once, and among them Artist and Title.',
  },
  TOO_MANY_ROWS: { grpc: 'RESOURCE_EXHAUSTED', http: 413, says: 'One import takes a million rows. What is above it is for another.' },
} as const satisfies RefusalTable;

/** Refuses with one of these reasons, or a common one. */
export const refuse = refusalsOf(recordsRefusals);
