import http2, { type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';

/** One request as a function got it. */
export interface Seen {
  readonly functionName: string;
  readonly headers: IncomingHttpHeaders;
}

/** Small h2c servers that stand in for functions, so that tests see what the edge sends and choose what comes back. */
export interface StubFunctions {
  /** Function name → host:port. */
  readonly upstreams: Record<string, string>;
  readonly seen: Seen[];
  /** What every function does; "answer 200 with the function's name" unless a test says otherwise. */
  behave(next: (stream: ServerHttp2Stream, functionName: string, nth: number) => void): void;
  reset(): void;
  /** Ends a function's listener and its connections, as a kill would. */
  kill(functionName: string): Promise<void>;
  /** Listens again on the same port. */
  revive(functionName: string): Promise<void>;
  stop(): Promise<void>;
}

export async function startStubFunctions(names: readonly string[]): Promise<StubFunctions> {
  const seen: Seen[] = [];
  const answer = (stream: ServerHttp2Stream, functionName: string): void => {
    stream.respond({ ':status': 200, 'content-type': 'application/json' });
    stream.end(JSON.stringify({ functionName }));
  };
  let behaviour: Parameters<StubFunctions['behave']>[0] = answer;
  const running = new Map<string, { server: http2.Http2Server; sessions: Set<http2.ServerHttp2Session>; port: number }>();

  const listen = (functionName: string, port: number): Promise<number> =>
    new Promise((resolve, reject) => {
      const server = http2.createServer();
      const sessions = new Set<http2.ServerHttp2Session>();
      server.on('session', (session) => {
        sessions.add(session);
        session.on('close', () => sessions.delete(session)).on('error', () => {});
      });
      server.on('stream', (stream, headers) => {
        stream.on('error', () => {});
        seen.push({ functionName, headers });
        if (!stream.destroyed) behaviour(stream as ServerHttp2Stream, functionName, seen.length);
      });
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => {
        const bound = (server.address() as AddressInfo).port;
        running.set(functionName, { server, sessions, port: bound });
        resolve(bound);
      });
    });
  const kill = async (functionName: string): Promise<void> => {
    const { server, sessions } = running.get(functionName) ?? {};
    const closed = new Promise<void>((resolve) => (server?.listening ? server.close(() => resolve()) : resolve()));
    for (const session of sessions ?? []) session.destroy();
    await closed;
  };

  const upstreams: Record<string, string> = {};
  for (const name of names) upstreams[name] = `127.0.0.1:${await listen(name, 0)}`;
  return {
    upstreams,
    seen,
    behave: (next) => {
      behaviour = next;
    },
    reset: () => {
      seen.length = 0;
      behaviour = answer;
    },
    kill,
    revive: async (functionName) => void (await listen(functionName, running.get(functionName)?.port ?? 0)),
    stop: async () => void (await Promise.all(names.map(kill))),
  };
}
