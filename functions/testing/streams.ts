import { Client, type ClientDuplexStream, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import type { Rpc } from '../runtime/contract.ts';
import { GrpcRefused } from './start.ts';

/** A gRPC client of one rpc whose answer is a stream. */
export interface GrpcStreams<Request, Response> {
  /** Opens a call; whoever uses it writes, reads and ends it. */
  open(token?: string, options?: { deadline?: number }): ClientDuplexStream<Partial<Request>, Response>;
  /** Sends all requests, and gathers all answers. @throws GrpcRefused, with the answers before it in `answers` */
  call(requests: Iterable<Partial<Request>> | AsyncIterable<Partial<Request>>, token?: string): Promise<Response[]>;
  close(): void;
}

export async function grpcStreams<Request, Response>(rpc: Rpc<Request, Response>, port: number): Promise<GrpcStreams<Request, Response>> {
  const { request, response } = await rpc.codecs();
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const { fromPartial } = request as unknown as { fromPartial(part: object): Request };
  const open = (token?: string, options: { deadline?: number } = {}): ClientDuplexStream<Partial<Request>, Response> => {
    const metadata = new Metadata();
    if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
    return client.makeBidiStreamRequest<Partial<Request>, Response>(
      rpc.path,
      (message) => Buffer.from(request.encode(fromPartial(message)).finish()),
      (bytes) => response.decode(bytes),
      metadata,
      options,
    );
  };
  return {
    open,
    async call(requests, token) {
      const stream = open(token);
      const answers: Response[] = [];
      const ended = new Promise<void>((resolve, reject) => {
        stream.on('data', (answer: Response) => answers.push(answer));
        stream.on('end', resolve);
        stream.on('error', (error: ServiceError) => reject(Object.assign(new GrpcRefused(error), { answers })));
      });
      ended.catch(() => {});
      for await (const message of requests)
        if (!stream.write(message)) await Promise.race([new Promise((go) => stream.once('drain', go)), ended]);
      stream.end();
      await ended;
      return answers;
    },
    close: () => client.close(),
  };
}
