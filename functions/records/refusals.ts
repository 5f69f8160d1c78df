import type { RefusalTable } from '../runtime/refusal.ts';

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
} as const satisfies RefusalTable;
