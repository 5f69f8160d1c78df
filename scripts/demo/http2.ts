import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from 'node:http2';
import { type Edge, notRunning } from './edge.ts';
import { type HttpAnswer, type HttpClient, type HttpRequest, headersOf, parseBody } from './http.ts';

/**
 * A client over one HTTP/2 connection (node:http2), on which many requests run at once.
 * @throws DemoFailed where nothing answers
 */
export async function http2Client(edge: Edge): Promise<HttpClient> {
  const session = connect(edge.origin, { ca: edge.ca, servername: edge.host, host: edge.address });
  await new Promise<void>((resolve, reject) => {
    session.once('connect', () => resolve());
    session.once('error', (error) => reject(notRunning(edge, error)));
  });
  const protocol = session.alpnProtocol === 'h2' ? 'HTTP/2' : String(session.alpnProtocol);
  return { send: (request) => send(session, protocol, request), close: () => session.close() };
}

function send(session: ClientHttp2Session, protocol: string, request: HttpRequest): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':method': request.method, ':path': request.path, ...headersOf(request) });
    let headers: IncomingHttpHeaders & { ':status'?: number } = {};
    const chunks: Buffer[] = [];
    stream.once('response', (received) => {
      headers = received;
    });
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.once('error', reject);
    stream.once('end', () =>
      resolve({
        status: Number(headers[':status']),
        headers: headers as Record<string, string>,
        body: parseBody(Buffer.concat(chunks).toString()),
        protocol,
      }),
    );
    stream.end(request.body === undefined ? undefined : JSON.stringify(request.body));
  });
}
