/** The gRPC codes that a refusal may carry (grpc/statuscodes.md), by number. */
export const grpcCodes = {
  CANCELLED: 1,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const;

export type GrpcCode = keyof typeof grpcCodes;

/** A row of the table of errors: what one reason is called in each dialect. */
export interface RefusalRow {
  readonly grpc: GrpcCode;
  readonly http: number;
  /** One public sentence. It never holds a cause, a value or a name from inside. */
  readonly says: string;
  /** Seconds after which trying again makes sense: Retry-After and RetryInfo. */
  readonly retryAfterSeconds?: number;
}

/** Reasons are SCREAMING_SNAKE_CASE and stable: clients switch on them. */
export type RefusalTable = Readonly<Record<string, RefusalRow>>;

/** A fault of one field. `path` is in the request message: ["record", "media", 0, "disc_grade"], in proto names. */
export interface Violation {
  readonly path: readonly (string | number)[];
  /** SCREAMING_SNAKE_CASE: TOO_LONG, REQUIRED, NOT_A_GRADE … */
  readonly reason: string;
  /** A public sentence: what is wrong and what would be right. */
  readonly says: string;
}

/** What every function may refuse, whatever its domain. A domain adds its own rows in its refusals.ts. */
export const commonRefusals = {
  INVALID_FIELDS: { grpc: 'INVALID_ARGUMENT', http: 400, says: 'Some fields of the request are not valid.' },
  MALFORMED_BODY: { grpc: 'INVALID_ARGUMENT', http: 400, says: 'The request cannot be decoded.' },
  MALFORMED_PAGE_TOKEN: { grpc: 'INVALID_ARGUMENT', http: 400, says: 'The page token is not one of this list.' },
  UNAUTHENTICATED: { grpc: 'UNAUTHENTICATED', http: 401, says: 'A valid access token is needed.' },
  SESSION_ENDED: { grpc: 'UNAUTHENTICATED', http: 401, says: 'The session of this access token has ended.' },
  PERMISSION_DENIED: { grpc: 'PERMISSION_DENIED', http: 403, says: 'The request names another account than the caller’s.' },
  NOT_FOUND: { grpc: 'NOT_FOUND', http: 404, says: 'There is no such thing in this account.' },
  ROUTE_NOT_FOUND: { grpc: 'UNIMPLEMENTED', http: 404, says: 'There is nothing at this path.' },
  METHOD_NOT_ALLOWED: { grpc: 'UNIMPLEMENTED', http: 405, says: 'This path does not take this method.' },
  NOT_ACCEPTABLE: { grpc: 'INVALID_ARGUMENT', http: 406, says: 'There is no answer of a media type that Accept names.' },
  REQUEST_TIMEOUT: { grpc: 'DEADLINE_EXCEEDED', http: 408, says: 'The request did not arrive in time.' },
  BODY_TOO_LARGE: { grpc: 'RESOURCE_EXHAUSTED', http: 413, says: 'The request is too large.' },
  UNSUPPORTED_MEDIA_TYPE: { grpc: 'INVALID_ARGUMENT', http: 415, says: 'The body is not of a media type that is taken here.' },
  TOO_BUSY: { grpc: 'RESOURCE_EXHAUSTED', http: 429, says: 'Too much is asked at once.', retryAfterSeconds: 1 },
  HEADERS_TOO_LARGE: { grpc: 'RESOURCE_EXHAUSTED', http: 431, says: 'The request headers are too large.' },
  CANCELLED: { grpc: 'CANCELLED', http: 499, says: 'The client went away.' },
  INTERNAL: { grpc: 'INTERNAL', http: 500, says: 'Something went wrong here; the request id names it in the log.' },
  UPSTREAM_UNAVAILABLE: { grpc: 'UNAVAILABLE', http: 503, says: 'Something this needs cannot be reached now.', retryAfterSeconds: 1 },
  DRAINING: { grpc: 'UNAVAILABLE', http: 503, says: 'This instance is stopping.', retryAfterSeconds: 1 },
  DEADLINE_EXCEEDED: { grpc: 'DEADLINE_EXCEEDED', http: 504, says: 'The request took longer than its deadline.' },
} as const satisfies RefusalTable;

/**
 * The one way an operation says no. The runtime turns it into problem+json (RFC 9457) or google.rpc.Status.
 * The cause, if any, goes to the log under the request id and never to the client.
 */
export class Refusal extends Error {
  readonly reason: string;
  readonly row: RefusalRow;
  readonly violations: readonly Violation[];
  readonly retryAfterSeconds: number | undefined;
  /** HTTP's Allow header, for METHOD_NOT_ALLOWED. */
  readonly allow: readonly string[] | undefined;

  constructor(
    reason: string,
    row: RefusalRow,
    more: { violations?: readonly Violation[]; retryAfterSeconds?: number; allow?: readonly string[]; cause?: unknown } = {},
  ) {
    super(reason, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = 'Refusal';
    this.reason = reason;
    this.row = row;
    this.violations = more.violations ?? [];
    this.retryAfterSeconds = more.retryAfterSeconds ?? row.retryAfterSeconds;
    this.allow = more.allow;
  }
}

type More = ConstructorParameters<typeof Refusal>[2];

/** Makes a domain's `refuse`: `throw refuse('EMAIL_TAKEN')`. Common reasons are known to every domain. */
export function refusalsOf<const Table extends RefusalTable>(table: Table) {
  const all: RefusalTable = { ...commonRefusals, ...table };
  return (reason: keyof Table | keyof typeof commonRefusals, more?: More): Refusal =>
    new Refusal(String(reason), all[String(reason)] as RefusalRow, more);
}

/** Refuses with a common reason. */
export const refuse = refusalsOf({});

/** Refuses a request for one or more of its fields, all of them named at once. */
export const refuseFields = (violations: readonly Violation[]): Refusal => refuse('INVALID_FIELDS', { violations });
