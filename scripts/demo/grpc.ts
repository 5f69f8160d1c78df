import { type CallOptions, type ClientUnaryCall, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { AuthServiceClient } from '../../proto/generated/auth.ts';
import { RecordsServiceClient } from '../../proto/generated/records.ts';
import { rpcs } from '../../proto/generated/rpcs.ts';
import { type Edge, notRunning } from './edge.ts';

/** The generated clients of both services, on one TLS connection. */
export interface GrpcClients {
  readonly auth: AuthServiceClient;
  readonly records: RecordsServiceClient;
  close(): void;
}

/**
 * The service config of our clients (gRFC A6): calls that change nothing are tried again where a function is dying or
 * starting (UNAVAILABLE). Which those are, the contract says (idempotency_level = NO_SIDE_EFFECTS). Writes are not tried
 * again by the client library: CreateRecord carries a request_id for that.
 */
export const serviceConfig = JSON.stringify({
  methodConfig: [
    {
      name: rpcs
        .filter((rpc) => rpc.idempotency === 'NO_SIDE_EFFECTS' && !rpc.clientStreaming)
        .map((rpc) => ({ service: rpc.service, method: rpc.name })),
      retryPolicy: {
        // Over 3 s in all (0.1, 0.3, 0.9, 2): as long as a cluster takes to see that a process has died, and to lead around it.
        maxAttempts: 5,
        initialBackoff: '0.1s',
        maxBackoff: '2s',
        backoffMultiplier: 3,
        retryableStatusCodes: ['UNAVAILABLE'],
      },
    },
  ],
});

/** Opens the clients. They connect with their first call. */
export function grpcClients(edge: Edge): GrpcClients {
  const target = `${edge.address}:${edge.port}`;
  const trusted = credentials.createSsl(edge.ca);
  const options = {
    'grpc.service_config': serviceConfig,
    'grpc.ssl_target_name_override': edge.host,
    'grpc.default_authority': `${edge.host}:${edge.port}`,
  };
  const auth = new AuthServiceClient(target, trusted, options);
  const records = new RecordsServiceClient(target, trusted, { ...options, channelOverride: auth.getChannel() });
  return { auth, records, close: () => auth.close() };
}

type Unary<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall;

/**
 * One call as a promise: `unary(edge, records, records.getRecord, { … }, token)`.
 * @throws ServiceError as grpc-js made it, DemoFailed where nothing answers
 */
export function unary<Request, Response>(
  edge: Edge,
  client: object,
  method: Unary<Request, Response>,
  request: Request,
  token = '',
): Promise<Response> {
  const metadata = new Metadata();
  if (token !== '') metadata.set('authorization', `Bearer ${token}`);
  return new Promise((resolve, reject) => {
    method.call(client, request, metadata, { deadline: Date.now() + 15_000 }, (error, response) => {
      if (error === null) resolve(response);
      else reject(error.code === status.UNAVAILABLE && /ECONNREFUSED/.test(error.details) ? notRunning(edge, error) : error);
    });
  });
}
