import { BadRequest, ErrorInfo, RequestInfo, RetryInfo } from '../../proto/generated/google/rpc/error_details.ts';
import { Status } from '../../proto/generated/google/rpc/status.ts';
import { grpcCodes, type Refusal, type Violation } from './refusal.ts';

/** The same domain in every ErrorInfo (google.rpc.ErrorInfo.domain). */
export const errorDomain = 'record-platform';

/** "record.media[0].disc_grade", as google.rpc.BadRequest wants it. */
const fieldPathOf = (violation: Violation): string =>
  violation.path.map((part, at) => (typeof part === 'number' ? `[${part}]` : at === 0 ? part : `.${part}`)).join('');

const any = (name: string, value: Uint8Array) => ({ typeUrl: `type.googleapis.com/google.rpc.${name}`, value: Buffer.from(value) });

/** google.rpc.Status of a refusal, encoded: what grpc-status-details-bin carries. */
export function encodeStatus(refusal: Refusal, requestId: string): Buffer {
  const { reason, row, violations, retryAfterSeconds } = refusal;
  const details = [
    any('ErrorInfo', ErrorInfo.encode({ reason, domain: errorDomain, metadata: {} }).finish()),
    any('RequestInfo', RequestInfo.encode({ requestId, servingData: '' }).finish()),
  ];
  if (violations.length > 0) {
    const fieldViolations = violations.map((violation) => ({
      field: fieldPathOf(violation),
      description: violation.says,
      reason: violation.reason,
      localizedMessage: undefined,
    }));
    details.push(any('BadRequest', BadRequest.encode({ fieldViolations }).finish()));
  }
  if (retryAfterSeconds !== undefined) {
    details.push(any('RetryInfo', RetryInfo.encode({ retryDelay: { seconds: retryAfterSeconds, nanos: 0 } }).finish()));
  }
  return Buffer.from(Status.encode({ code: grpcCodes[row.grpc], message: row.says, details }).finish());
}

/** The trailers of a refusal, with the details of google.rpc.Status. */
export function statusOf(refusal: Refusal, requestId: string): Record<string, string | number> {
  return {
    'grpc-status': grpcCodes[refusal.row.grpc],
    'grpc-message': encodeURIComponent(refusal.row.says).replaceAll('%20', ' '),
    'grpc-status-details-bin': encodeStatus(refusal, requestId).toString('base64'),
  };
}

/** The whole answer of a refusal: a trailers-only response. */
export const trailersOnly = (refusal: Refusal, requestId: string): Record<string, string | number> => ({
  ':status': 200,
  'content-type': 'application/grpc',
  ...statusOf(refusal, requestId),
  'x-request-id': requestId,
});
