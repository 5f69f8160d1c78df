import { type ClientHttp2Session, connect } from 'node:http2';
import type { Kubectl } from '../../scripts/deploy/kubectl.ts';

/** One request to a service of the cluster. */
export interface Ask {
  /** Host name inside the cluster. */
  readonly host: string;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Told {
  readonly status: number;
  readonly body: string;
  /** Milliseconds since 1970: when it was sent, and when its answer had ended. */
  readonly asked: number;
  readonly answered: number;
}

export interface Gateway {
  ask(request: Ask): Promise<Told>;
  close(): void;
}

/**
 * A connection to Kourier's inner gateway, on h2c as the edge speaks to it. The Go service has no place at the edge, so both are asked here.
 * It works on the machine of the local cluster, which reaches the cluster's own addresses.
 */
export async function openGateway(kubectl: Kubectl): Promise<Gateway> {
  const service = await kubectl.get('service', 'kourier-internal', 'kourier-system');
  const session = connect(`http://${service?.spec.clusterIP}:80`);
  await new Promise<void>((resolve, reject) => session.once('connect', () => resolve()).once('error', reject));
  return { ask: (request) => ask(session, request), close: () => session.destroy() };
}

function ask(session: ClientHttp2Session, { host, method, path, headers, body }: Ask): Promise<Told> {
  return new Promise((resolve, reject) => {
    const asked = performance.timeOrigin + performance.now();
    const stream = session.request({ ':method': method, ':path': path, ':authority': host, ...headers });
    const chunks: Buffer[] = [];
    let status = 0;
    stream.once('response', (received) => {
      status = Number(received[':status']);
    });
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.once('error', reject);
    stream.once('end', () =>
      resolve({ status, body: Buffer.concat(chunks).toString(), asked, answered: performance.timeOrigin + performance.now() }),
    );
    stream.end(body);
  });
}
