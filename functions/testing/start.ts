import { Client, credentials, type Deadline, Metadata, type ServiceError } from '@grpc/grpc-js';
import { BadRequest, ErrorInfo } from '../../proto/generated/google/rpc/error_details.ts';
import { Status } from '../../proto/generated/google/rpc/status.ts';
import type { Rpc } from '../runtime/contract.ts';
import type { AnyFunction } from '../runtime/define-function.ts';
import { serve } from '../runtime/serve.ts';

export interface JsonAnswer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at whatever came
  readonly body: any;
}

/** How a gRPC call was refused, with its details decoded. */
export class GrpcRefused extends Error {
  readonly code: number;
  readonly reason: string | undefined;
  readonly violations: readonly { readonly field: string; readonly reason: string }[];
  readonly metadata: Metadata;

  constructor(error: ServiceError) {
    super(`${error.code} ${error.details}`);
    this.code = error.code;
    this.metadata = error.metadata;
    const bytes = error.metadata.get('grpc-status-details-bin')[0];
    const details = bytes === undefined ? [] : Status.decode(bytes as Buffer).details;
    const find = (name: string) => details.find((detail) => detail.typeUrl.endsWith(`google.rpc.${name}`))?.value;
    const info = find('ErrorInfo');
    const bad = find('BadRequest');
    this.reason = info && ErrorInfo.decode(info).reason;
    this.violations = bad ? BadRequest.decode(bad).fieldViolations : [];
  }
}

/** A started function, with its front door in both dialects. */
export interface Started<Request, Response> {
  readonly port: number;
  /** "http://127.0.0.1:PORT" */
  readonly origin: string;
  /** JSON over HTTP/1.1. `body` is sent as it is where it is a string or bytes, else as JSON. */
  json(method: string, path: string, more?: { body?: unknown; token?: string; headers?: Record<string, string> }): Promise<JsonAnswer>;
  /** The rpc over gRPC. @throws GrpcRefused */
  call(request: Partial<Request>, more?: { token?: string; metadata?: Record<string, string>; deadline?: Deadline }): Promise<Response>;
  /** The log lines so far, parsed; what was answered some milliseconds ago is in it. */
  logged(): { readonly message: string; readonly [field: string]: unknown }[];
  stop(): Promise<void>;
}

/** Starts a function in this process, on a port of its own, as production starts it. */
export async function startFunction<Request, Response>(
  definition: { readonly rpc: Rpc<Request, Response> },
  environment: Record<string, string>,
): Promise<Started<Request, Response>>;
export async function startFunction(
  definition: { readonly rpc: Rpc },
  environment: Record<string, string>,
): Promise<Started<object, object>> {
  let logged = '';
  const running = await serve(definition as AnyFunction, { HOST: '127.0.0.1', PORT: '0', DRAIN_SECONDS: '5', ...environment }, (bytes) => {
    logged += bytes;
    return bytes.length;
  });
  const origin = `http://127.0.0.1:${running.port}`;
  const rpc: Rpc = definition.rpc;
  const codecs = await rpc.codecs();
  const client = new Client(`127.0.0.1:${running.port}`, credentials.createInsecure());
  return {
    port: running.port,
    origin,
    async json(method, path, more = {}) {
      const given = more.body;
      const body = given === undefined || typeof given === 'string' || given instanceof Uint8Array ? given : JSON.stringify(given);
      const response = await fetch(origin + path, {
        method,
        headers: {
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(more.token === undefined ? {} : { authorization: `Bearer ${more.token}` }),
          ...more.headers,
        },
        ...(body === undefined ? {} : { body: body as NonNullable<RequestInit['body']> }),
      });
      const text = await response.text();
      const isJson = /[/+]json\b/.test(response.headers.get('content-type') ?? '');
      return { status: response.status, headers: response.headers, body: isJson && text !== '' ? JSON.parse(text) : text };
    },
    call(request, more = {}) {
      const metadata = new Metadata();
      if (more.token !== undefined) metadata.set('authorization', `Bearer ${more.token}`);
      for (const [name, value] of Object.entries(more.metadata ?? {})) metadata.set(name, value);
      const whole = (codecs.request as unknown as { fromPartial(part: object): object }).fromPartial(request);
      return new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          rpc.path,
          (message: object) => Buffer.from(codecs.request.encode(message).finish()),
          (bytes: Buffer) => codecs.response.decode(bytes) as object,
          whole,
          metadata,
          more.deadline === undefined ? {} : { deadline: more.deadline },
          (error, response) => (error ? reject(new GrpcRefused(error)) : resolve(response as object)),
        );
      });
    },
    logged: () =>
      logged
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line)),
    async stop() {
      client.close();
      await running.stop();
    },
  };
}
