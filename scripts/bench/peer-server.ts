import http from 'node:http';
import http2 from 'node:http2';
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js';
import type { GetRecordRequest, GetRecordResponse } from '../../proto/generated/records.ts';
import { RecordsServiceService } from '../../proto/generated/records.ts';
import { sampleRecord } from './sample-record.ts';

/** The answer that the runtime gives, header for header. */
const answerHeaders = (body: string, requestId: string | string[] | undefined): string[] => [
  'content-type',
  'application/json',
  'etag',
  '"1"',
  'x-request-id',
  String(requestId),
  'cache-control',
  'no-store',
  'content-length',
  String(Buffer.byteLength(body)),
];

/** The plain servers that the runtime is held against: `peer-server.ts http1|http2|grpc PORT`. They answer the same and do nothing else. */
const [kind, port] = [process.argv[2], Number(process.argv[3])];

if (kind === 'http1') {
  // The same options as the runtime's HTTP/1.1 server.
  const server = http.createServer(
    { maxHeaderSize: 16_384, headersTimeout: 10_000, requestTimeout: 20_000, keepAliveTimeout: 75_000, noDelay: true },
    (request, response) => {
      const body = JSON.stringify(sampleRecord);
      response.writeHead(200, answerHeaders(body, request.headers['x-request-id']));
      response.end(body);
    },
  );
  server.listen(port, '127.0.0.1');
} else if (kind === 'http2') {
  const server = http2.createServer({ settings: { maxConcurrentStreams: 2_000 }, maxSessionMemory: 64 });
  server.on('stream', (stream: http2.ServerHttp2Stream, headers) => {
    stream.on('error', () => {});
    const body = JSON.stringify(sampleRecord);
    stream.respond([':status', '200', ...answerHeaders(body, headers['x-request-id'])]);
    stream.end(body);
  });
  server.listen(port, '127.0.0.1');
} else {
  const server = new Server({ 'grpc.enable_channelz': 0 });
  server.addService(
    { GetRecord: RecordsServiceService.getRecord },
    {
      GetRecord: (_call: ServerUnaryCall<GetRecordRequest, GetRecordResponse>, callback: sendUnaryData<GetRecordResponse>) =>
        callback(null, { record: sampleRecord }),
    },
  );
  server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), () => {});
}
