import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ExportRecords, ImportRecords } from '../../proto/generated/records.rpc.ts';
import type { ImportRecordsRequest, ImportRecordsResponse } from '../../proto/generated/records.ts';
import { type Started, startFunction } from '../testing/start.ts';
import { type GrpcStreams, grpcStreams } from '../testing/streams.ts';
import type { Rpc } from './contract.ts';
import { defineStream, type Limits, type Tools } from './define-function.ts';
import { refuse } from './refusal.ts';

type Answers = AsyncGenerator<ImportRecordsResponse>;
type Requests = AsyncIterable<ImportRecordsRequest>;
type Operation = (requests: Requests, tools: Tools<unknown, unknown>) => Answers;

const path = '/api/records:import';
const says = (rows: number): ImportRecordsResponse => ({
  fault: undefined,
  progress: { rows, created: 0, unchanged: 0, faulty: 0, bytes: 0 },
  totals: undefined,
});

/** A stream without accounts and database: what is looked at here is the runtime. */
const streamOf = (operation: Operation, limits: Partial<Limits> = {}) =>
  defineStream({ rpc: { ...ImportRecords, access: 'PUBLIC' } as typeof ImportRecords, operation, limits });

async function withStream(
  operation: Operation,
  work: (
    started: Started<ImportRecordsRequest, ImportRecordsResponse>,
    grpc: GrpcStreams<ImportRecordsRequest, ImportRecordsResponse>,
  ) => Promise<void>,
  limits?: Partial<Limits>,
): Promise<void> {
  const definition = streamOf(operation, limits);
  const started = await startFunction(definition, {});
  const grpc = await grpcStreams(definition.rpc, started.port);
  try {
    await work(started, grpc);
  } finally {
    grpc.close();
    await started.stop();
  }
}

const post = (started: { json: Started<object, object>['json'] }, body = 'x') =>
  started.json('POST', path, { body, headers: { 'content-type': 'text/csv' } });
const linesOf = (body: unknown): { error?: { code: string }; progress?: { rows: number } }[] =>
  String(body)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

const never = () => new Promise<never>(() => {});

describe('a stream', () => {
  test('that goes on for longer than its time is ended, with its reason in both dialects', async () => {
    let ended = 0;
    const silent: Operation = async function* (requests, { signal }) {
      for await (const { content } of requests) if (content.length === 2) yield says(1);
      try {
        await Promise.race([never(), once(signal, 'abort')]);
      } finally {
        ended++;
      }
    };
    await withStream(
      silent,
      async (started, grpc) => {
        const [before, after] = await Promise.all([post(started, 'x'), post(started, 'xx')]);
        assert.deepEqual([before.status, before.body.code], [504, 'DEADLINE_EXCEEDED'], 'nothing was told yet');
        assert.deepEqual([after.status, linesOf(after.body).at(-1)?.error?.code], [200, 'DEADLINE_EXCEEDED'], 'in the last line');
        await assert.rejects(grpc.call([{ content: Buffer.from('x') }]), { code: 4, reason: 'DEADLINE_EXCEEDED' });
        await assert.rejects(grpc.call([{ content: Buffer.from('xx') }]), { code: 4, reason: 'DEADLINE_EXCEEDED' });
        assert.equal(ended, 4);
      },
      { timeoutSeconds: 1 },
    );
  });

  test('whose client gives its own deadline ends with it', async () => {
    await withStream(
      async function* (requests, { signal }) {
        for await (const _ of requests) yield says(1);
        await once(signal, 'abort');
      },
      async (started, grpc) => {
        const stream = grpc.open(undefined, { deadline: Date.now() + 300 });
        stream.write({ content: Buffer.from('x') });
        stream.end();
        const [error] = await once(stream.resume(), 'error');
        assert.equal(error.code, 4);
        for (let tries = 0; tries < 100 && !started.logged().some(({ reason }) => reason === 'DEADLINE_EXCEEDED'); tries++) await sleep(20);
        assert.ok(started.logged().some(({ reason }) => reason === 'DEADLINE_EXCEEDED'));
      },
    );
  });

  test('that sends more than its limit is refused at the first byte too many', async () => {
    await withStream(
      async function* (requests) {
        let bytes = 0;
        for await (const { content } of requests) bytes += content.length;
        yield says(bytes);
      },
      async (started, grpc) => {
        assert.equal(linesOf((await post(started, 'x'.repeat(100_000))).body)[0]?.progress?.rows, 100_000);
        const { status, body } = await post(started, 'x'.repeat(100_001));
        assert.deepEqual([status, body.code], [413, 'BODY_TOO_LARGE']);
        const pieces = Array.from({ length: 20 }, () => ({ content: Buffer.alloc(10_000) }));
        await assert.rejects(grpc.call(pieces), { code: 8, reason: 'BODY_TOO_LARGE' });
      },
      { bodyBytesMax: 100_000 },
    );
  });

  test('that fails after its first answer says so behind it', async () => {
    await withStream(
      async function* (requests) {
        for await (const _ of requests) yield says(1);
        throw new Error('a secret of the inside');
      },
      async (started, grpc) => {
        const { status, body } = await post(started);
        const lines = linesOf(body);
        assert.deepEqual([status, lines[0]?.progress?.rows, lines[1]?.error?.code], [200, 1, 'INTERNAL']);
        assert.ok(!String(body).includes('secret'));
        const refused = await grpc.call([{ content: Buffer.from('x') }]).catch((error) => error);
        assert.deepEqual([refused.code, refused.reason, refused.answers.length], [13, 'INTERNAL', 1]);
        await sleep(50);
        const logged = started.logged().filter(({ reason }) => reason === 'INTERNAL');
        assert.equal(logged.length, 2);
        assert.deepEqual([logged[0]?.status, logged[0]?.route], [500, path]);
      },
    );
  });

  test('that is a file and fails is broken off, so that nobody takes half of it for a whole one', async () => {
    const definition = defineStream({
      rpc: { ...ExportRecords, access: 'PUBLIC' } as typeof ExportRecords,
      operation: async function* () {
        yield { content: Buffer.from('half') };
        await sleep(50);
        throw refuse('UPSTREAM_UNAVAILABLE');
      },
    });
    const started = await startFunction(definition, {});
    const response = await fetch(`${started.origin}/api/records:export`);
    assert.equal(response.status, 200);
    await assert.rejects(response.text());
    const session = http2.connect(started.origin);
    const stream = session.request({ ':path': '/api/records:export' });
    const [error] = await once(stream.resume(), 'error');
    assert.match(String(error), /NGHTTP2_INTERNAL_ERROR/);
    session.close();
    await started.stop();
  });

  test('that is in flight is let finish when the function is stopped', async () => {
    const definition = streamOf(async function* (requests) {
      let pieces = 0;
      for await (const _ of requests) yield says(++pieces);
    });
    const started = await startFunction(definition, {});
    const grpc = await grpcStreams(definition.rpc, started.port);
    const stream = grpc.open();
    const answers: ImportRecordsResponse[] = [];
    stream.on('data', (answer: ImportRecordsResponse) => answers.push(answer));
    stream.write({ content: Buffer.from('x') });
    await once(stream, 'data');
    const stopping = started.stop();
    await sleep(300);
    stream.write({ content: Buffer.from('y') });
    stream.end();
    const [status] = await once(stream, 'status');
    assert.deepEqual([status.code, answers.length], [0, 2]);
    await stopping;
    assert.ok(!started.logged().some(({ message }) => message === 'the grace time was not enough'));
    grpc.close();
  });

  test('that nobody takes from holds its client back, and others on the same connection go on', async () => {
    let taken = 0;
    let go: () => void = () => {};
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    await withStream(
      async function* (requests) {
        for await (const { content } of requests) {
          taken += content.length;
          if (content.length > 10) await gate;
        }
        yield says(taken);
      },
      async (started) => {
        const session = http2.connect(started.origin);
        const headers = { ':method': 'POST', ':path': path, 'content-type': 'text/csv' };
        const slow = session.request(headers);
        let sent = 0;
        const feed = (): void => {
          while (sent < 8_000_000 && slow.write(Buffer.alloc(16_384))) sent += 16_384;
        };
        slow.on('drain', feed);
        feed();
        await sleep(300);
        assert.ok(sent < 1_000_000, `${sent} bytes went off`);
        const other = session.request(headers);
        other.end('x');
        const [answer] = await once(other, 'response');
        assert.equal(answer[':status'], 200);
        other.resume();
        go();
        for (let tries = 0; sent < 8_000_000 && tries < 200; tries++) await sleep(25);
        slow.end();
        await once(slow.resume(), 'end');
        assert.ok(taken >= 8_000_000);
        session.close();
      },
      { bodyBytesMax: 10_000_000 },
    );
  });

  test('to a client that doesn’t read makes no more than it has room for', async () => {
    let made = 0;
    const definition = defineStream({
      rpc: { ...ExportRecords, access: 'PUBLIC' } as typeof ExportRecords,
      operation: async function* () {
        for (; made < 1000; made++) yield { content: Buffer.alloc(100_000) };
      },
    });
    const started = await startFunction(definition, {});
    const grpc = await grpcStreams(definition.rpc as Rpc<object, object>, started.port);
    const session = http2.connect(started.origin);
    const stream = session.request({ ':path': '/api/records:export' });
    await once(stream, 'response');
    await sleep(300);
    assert.ok(made < 50, `${made} pieces of 1000`);
    stream.destroy();
    for (let tries = 0; tries < 100 && !started.logged().some(({ reason }) => reason === 'CANCELLED'); tries++) await sleep(20);
    assert.ok(made < 50, 'and none after it has gone');
    session.close();
    grpc.close();
    await started.stop();
  });
});
