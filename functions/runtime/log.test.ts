import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { after, test } from 'node:test';
import postgres from 'postgres';
import type { Outcome } from './call.ts';
import { createLog, type Log } from './log.ts';
import { refuse } from './refusal.ts';

type Line = Record<string, unknown>;

/** A log that writes here, and what it wrote: each write as its lines. */
function capture(): { log: Log; writes: string[]; lines: () => Line[] } {
  const writes: string[] = [];
  const log = createLog({
    functionName: 'records-get-record',
    revision: 'records-get-record-00007',
    write: (text) => {
      writes.push(text.toString('latin1'));
      return text.length;
    },
  });
  return { log, writes, lines: () => parsed(writes.join('')) };
}

const parsed = (text: string): Line[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);

/** Longer than lines are gathered. */
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 15));

const call = {
  requestId: 'b9b7f1a0-3d5c-4f0e-9a51-0c1d2e3f4a5b',
  traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
  spanId: '00f067aa0ba902b7',
};

const outcomeOf = (more: Partial<Outcome> = {}): Outcome => ({
  dialect: 'http/2',
  method: 'GET',
  route: '/api/records/{record_id}',
  status: 200,
  code: 'OK',
  reason: undefined,
  seconds: 0.0123456789,
  requestBytes: 10,
  responseBytes: 812,
  userId: '0190c7a3-7f5e-7c3a-9d4f-0123456789ab',
  callerAddress: '192.0.2.17',
  cause: undefined,
  ...more,
});

const failed = (cause: unknown): Outcome => outcomeOf({ status: 500, code: 'INTERNAL', reason: 'INTERNAL', cause });

test('a request is one line of JSON with all that is known of it', async () => {
  const { log, lines } = capture();
  const before = Date.now();
  log.request(call, outcomeOf());
  await turn();
  const [line, ...others] = lines();
  assert.ok(line);
  assert.equal(others.length, 0);
  const { time, ...rest } = line;
  assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.ok(Date.parse(String(time)) >= before && Date.parse(String(time)) <= Date.now());
  assert.deepEqual(rest, {
    severity: 'INFO',
    message: 'GET /api/records/{record_id} 200',
    function: 'records-get-record',
    revision: 'records-get-record-00007',
    request_id: call.requestId,
    trace_id: call.traceId,
    span_id: call.spanId,
    route: '/api/records/{record_id}',
    method: 'GET',
    dialect: 'http/2',
    status: 200,
    code: 'OK',
    duration_ms: 12.346,
    request_bytes: 10,
    response_bytes: 812,
    user_id: '0190c7a3-7f5e-7c3a-9d4f-0123456789ab',
    caller_address: '192.0.2.17',
  });
});

test('times keep their form through every millisecond of a second', async () => {
  const { log, lines } = capture();
  for (const until = Date.now() + 1_100; Date.now() < until; await new Promise((resolve) => setTimeout(resolve, 7))) {
    const before = Date.now();
    log.info('tick');
    log.request(call, outcomeOf());
    log.flush();
    for (const { time } of lines().slice(-2)) {
      assert.match(String(time), /^.{19}\.\d{3}Z$/);
      assert.ok(Date.parse(String(time)) >= before && Date.parse(String(time)) <= Date.now(), String(time));
    }
  }
});

test('a line has nothing of the one before it', async () => {
  const { log, lines } = capture();
  const other = { requestId: '0'.repeat(36), traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) };
  const outcomes = [
    outcomeOf(),
    outcomeOf({ status: 404, code: 'NOT_FOUND', reason: 'NOT_FOUND', seconds: 12_345.6789, responseBytes: 1_000_000 }),
    outcomeOf({ userId: undefined, callerAddress: undefined, seconds: 0, requestBytes: 0, responseBytes: 9 }),
    outcomeOf({ route: '', method: 'DELETE', dialect: 'grpc', requestBytes: 99, responseBytes: 999 }),
    outcomeOf({ status: 503, code: 'UNAVAILABLE', cause: new Error('gone') }),
    outcomeOf(),
  ];
  for (const outcome of outcomes) for (const each of [call, other]) log.request(each, outcome);
  await turn();
  const written = lines();
  assert.equal(written.length, 12);
  for (const [index, line] of written.entries()) {
    const outcome = outcomes[index >> 1] as Outcome;
    const { requestId, traceId, spanId } = index % 2 === 0 ? call : other;
    assert.deepEqual([line.request_id, line.trace_id, line.span_id], [requestId, traceId, spanId]);
    for (const name of ['route', 'method', 'dialect', 'status', 'code', 'reason'] as const) assert.equal(line[name], outcome[name]);
    assert.deepEqual([line.user_id, line.caller_address], [outcome.userId, outcome.callerAddress]);
    assert.deepEqual([line.request_bytes, line.response_bytes], [outcome.requestBytes, outcome.responseBytes]);
    assert.equal(line.duration_ms, Number((outcome.seconds * 1000).toFixed(3)));
    assert.equal('cause' in line, outcome.status === 503);
  }
});

test('a refusal has its reason; no cause is told below 500', async () => {
  const { log, lines } = capture();
  log.request(call, outcomeOf({ status: 404, code: 'NOT_FOUND', reason: 'NOT_FOUND', userId: undefined, cause: new Error('inside') }));
  await turn();
  const [line] = lines();
  assert.equal(line?.severity, 'INFO');
  assert.equal(line?.reason, 'NOT_FOUND');
  assert.equal(line?.cause, undefined);
  assert.ok(line !== undefined && !('user_id' in line));
});

test('a failure tells its cause: types, messages and stacks of the whole chain', async () => {
  const { log, lines } = capture();
  const socket = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:6432'), { code: 'ECONNREFUSED' });
  log.request(call, failed(refuse('UPSTREAM_UNAVAILABLE', { cause: new Error('no connection', { cause: socket }) })));
  await turn();
  const [line] = lines();
  assert.equal(line?.severity, 'ERROR');
  const cause = line?.cause as { type: string; message: string; stack: string; cause: { message: string; cause: Line } };
  assert.equal(cause.type, 'Refusal');
  assert.equal(cause.message, 'UPSTREAM_UNAVAILABLE');
  assert.match(cause.stack, /^at .*log\.test\.ts:\d+:\d+/s);
  assert.equal(cause.cause.message, 'no connection');
  assert.equal(cause.cause.cause.message, 'connect ECONNREFUSED 127.0.0.1:6432');
  assert.equal(cause.cause.cause.code, 'ECONNREFUSED');
});

test('a chain of causes that never ends, errors of many, and things that are no errors', async () => {
  const { log, lines } = capture();
  const round: Error & { cause?: unknown } = new Error('round');
  round.cause = round;
  const hostile = {
    get message() {
      throw new Error('never asked');
    },
  };
  for (const cause of [round, new AggregateError([new Error('a'), new Error('b')], 'both'), 'text', null, 7, hostile])
    log.request(call, failed(cause));
  await turn();
  const causes = lines().map((line) => line.cause as Line);
  assert.equal(causes.length, 6);
  assert.ok(JSON.stringify(causes[0]).length < 20_000);
  assert.deepEqual(
    ((causes[1] as Line).errors as Line[]).map((error) => error.message),
    ['a', 'b'],
  );
  assert.deepEqual(causes.slice(2), [
    { type: 'string', message: 'text' },
    { type: 'null', message: '' },
    { type: 'number', message: '' },
    { type: 'object', message: '' },
  ]);
});

const secretToken = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg';
const opaque = 'Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmE';
const hidden: { name: string; text: string; secrets: string[] }[] = [
  {
    name: 'a connection string',
    text: 'cannot reach postgres://auth_app:s3cr3t@db:6432/records?sslmode=off now',
    secrets: ['s3cr3t', 'auth_app'],
  },
  { name: 'one with an @ in its password', text: 'postgresql://auth_app:p@ss@db/records', secrets: ['p@ss', 'ss@db'] },
  { name: 'credentials in another URL', text: 'GET https://user:hunter2@example.com/x failed', secrets: ['hunter2'] },
  { name: "libpq's keywords", text: "connection to host=db user=a password='two words' failed", secrets: ['two words'] },
  { name: 'an access token', text: `token ${secretToken} is bad`, secrets: [secretToken, 'c2lnbmF0'] },
  { name: 'half of an access token', text: `unexpected ${secretToken.slice(0, 30)}`, secrets: ['eyJ'] },
  { name: 'an Authorization header', text: 'header authorization: Bearer abc.def-123', secrets: ['abc.def'] },
  { name: 'basic credentials', text: 'Basic dXNlcjpwYXNz', secrets: ['dXNlcjpwYXNz'] },
  { name: 'a refresh token', text: `no row for ${opaque}`, secrets: [opaque] },
  { name: 'a key of 32 bytes', text: 'bad key 3q2+7/wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=', secrets: ['3q2+7'] },
  { name: 'a password in JSON', text: '{"email":"a@example.com","password":"test123"}', secrets: ['test123', 'a@example.com'] },
  { name: 'a refresh_token in JSON', text: '{"refresh_token": "short-one"}', secrets: ['short-one'] },
  { name: 'a bcrypt hash', text: `hash $2b$12$${'a'.repeat(53)}`, secrets: ['aaaa'] },
  { name: 'a SCRAM verifier', text: 'SCRAM-SHA-256$4096:c2FsdA==$a2V5:a2V5', secrets: ['c2FsdA'] },
  { name: 'a private key', text: '-----BEGIN PRIVATE KEY-----\nMIGH\n-----END PRIVATE KEY-----', secrets: ['MIGH'] },
  { name: 'an e-mail address', text: 'user collector@example.com is unknown', secrets: ['collector@'] },
];
for (const { name, text, secrets } of hidden)
  test(`no line holds ${name}, wherever an error carries it`, async () => {
    const { log, writes } = capture();
    log.request(call, failed(new Error(text)));
    log.request(call, failed(new Error('outer', { cause: new Error(`inner ${text}`) })));
    log.request(call, failed(text));
    log.error('failed', { detail: text });
    log.error('failed', { cause: new AggregateError([new Error(text)]) });
    await turn();
    const out = writes.join('');
    assert.equal(parsed(out).length, 5);
    for (const secret of secrets) assert.ok(!out.includes(secret), out);
  });

test('what a reader needs stays: addresses, ids, file names, SQLSTATEs', async () => {
  const { log, writes } = capture();
  const text = 'connect ECONNREFUSED 127.0.0.1:6432 for 0190c7a3-7f5e-7c3a-9d4f-0123456789ab 4bf92f3577b34da6a3ce929d0e0e4736';
  log.request(call, failed(Object.assign(new Error(text), { code: '57P01' })));
  await turn();
  assert.ok(writes.join('').includes(text));
  assert.ok(writes.join('').includes('"code":"57P01"'));
  assert.ok(writes.join('').includes('functions/runtime/log.test.ts'));
});

test("a driver's error leaves its statement, parameters and rows inside", async () => {
  const { log, lines, writes } = capture();
  // PostgresError is the driver's own class; the server's fields and the statement hang on it as properties.
  const { PostgresError } = postgres as unknown as { PostgresError: new (fields: object) => Error };
  const unique = new PostgresError({
    severity: 'ERROR',
    code: '23505',
    message: 'duplicate key value violates unique constraint "accounts_email_key"',
    detail: 'Key (email)=(collector@example.com) already exists.',
    schema_name: 'auth',
    table_name: 'accounts',
    constraint_name: 'accounts_email_key',
    query: 'select auth.register($1, $2)',
    parameters: ['collector@example.com', '$2b$12$hash'],
    where: 'PL/pgSQL function auth.register(text) line 3: values (collector)',
  });
  const syntax = new PostgresError({ code: '22P02', message: 'invalid input syntax for type integer: "a "private" note"' });
  let json: unknown;
  try {
    JSON.parse('{"notes":"my private note"');
  } catch (error) {
    json = error;
  }
  for (const cause of [unique, syntax, json]) log.request(call, failed(cause));
  await turn();
  const out = writes.join('');
  for (const value of ['collector', 'hash', 'select auth', 'private', 'PL/pgSQL']) assert.ok(!out.includes(value), value);
  const [first, second] = lines().map((line) => line.cause as Line);
  assert.equal(first?.type, 'PostgresError');
  assert.equal(first?.code, '23505');
  assert.equal(first?.constraint, 'accounts_email_key');
  assert.equal(first?.table, 'accounts');
  assert.match(String(second?.message), /^invalid input syntax for type integer: "\[redacted\]"$/);
});

test('fields with a secret name are never written, and the others are of their type', async () => {
  const { log, lines } = capture();
  log.warn('settings', { DATABASE_PASSWORD: 'x', refreshToken: 'y', keyed: true, count: 3, absent: undefined, text: 'ok' });
  await turn();
  const { time: _, function: __, revision: ___, ...rest } = lines()[0] as Line;
  assert.deepEqual(rest, {
    severity: 'WARNING',
    message: 'settings',
    DATABASE_PASSWORD: '[redacted]',
    refreshToken: '[redacted]',
    keyed: true,
    count: 3,
    text: 'ok',
  });
});

test('text from outside cannot break a line, forge one, or be long', async () => {
  const { log, writes, lines } = capture();
  const evil = '1.2.3.4"}\n{"severity":"ERROR","message":"forged"}\u0000\u001b[31m\u2028\ud800é\\';
  log.request(call, outcomeOf({ callerAddress: evil, method: evil, route: evil, reason: evil, userId: 'x'.repeat(10_000) }));
  log.info(evil, { text: evil });
  await turn();
  const out = writes.join('');
  assert.match(out, /^[\x20-\x7e\n]*$/, 'ASCII alone');
  assert.equal(out.split('\n').length, 3);
  const [line, event] = lines();
  assert.equal(line?.caller_address, evil);
  assert.equal(line?.route, evil);
  assert.equal(String(line?.user_id).length, 256);
  assert.equal(event?.text, evil);
  assert.equal(event?.message, evil);
});

test('the lines of some milliseconds are written at once', async () => {
  const { log, writes } = capture();
  for (let i = 0; i < 50; i++) log.request(call, outcomeOf());
  assert.equal(writes.length, 0);
  await turn();
  assert.equal(writes.length, 1);
  assert.equal(parsed(writes.join('')).length, 50);
});

test('a reader who takes a little at a time gets every byte in order', async () => {
  let out = '';
  let full = 0;
  const log = createLog({
    functionName: 'f',
    revision: '',
    write: (text) => {
      if (++full % 3 === 0) throw Object.assign(new Error('full'), { code: 'EAGAIN' });
      const taken = text.slice(0, 701);
      out += taken;
      return taken.length;
    },
  });
  for (let i = 0; i < 40; i++) log.info('n', { i });
  await turn();
  for (let waited = 0; waited < 100 && parsed(out.slice(0, out.lastIndexOf('\n') + 1)).length < 40; waited++)
    await new Promise((resolve) => setTimeout(resolve, 10));
  assert.deepEqual(
    parsed(out).map((line) => line.i),
    Array.from({ length: 40 }, (_, i) => i),
  );
});

test('where nobody reads, lines are dropped at a bound, and one line tells how many when somebody reads again', async () => {
  let reads = false;
  let out = '';
  const log = createLog({
    functionName: 'f',
    revision: '',
    write: (text) => {
      if (!reads) throw Object.assign(new Error('full'), { code: 'EAGAIN' });
      out += text;
      return text.length;
    },
  });
  const sent = 10_000;
  for (let i = 0; i < sent; i++) log.request(call, outcomeOf());
  await turn();
  assert.ok(log.dropped > 0);
  const { dropped } = log;
  reads = true;
  for (let waited = 0; waited < 100 && out === ''; waited++) await new Promise((resolve) => setTimeout(resolve, 10));
  const lines = parsed(out);
  assert.ok(out.length < 1.1 * 1024 * 1024);
  const told = lines.filter((line) => line.message === 'log lines dropped');
  assert.deepEqual(
    told.map((line) => [line.severity, line.lines]),
    [['WARNING', dropped]],
  );
  assert.equal(lines.length - 1 + dropped, sent);
});

test('a reader who is gone, or a full disk, is no reason to throw', async () => {
  for (const code of ['EPIPE', 'ENOSPC']) {
    const log = createLog({
      functionName: 'f',
      revision: '',
      write: () => {
        throw Object.assign(new Error(code), { code });
      },
    });
    log.info('a');
    log.info('b');
    await turn();
    log.info('c');
    log.flush();
    assert.equal(log.dropped, 3);
  }
});

/** Programs that a failed test leaves behind must not hold up the others. */
const children = new Set<ChildProcess>();
after(() => {
  for (const child of children) child.kill('SIGKILL');
});

/** Runs a program with a log on its real stdout, a pipe. */
function start(source: string) {
  const program = `
    import { createLog } from ${JSON.stringify(new URL('log.ts', import.meta.url).href)};
    const log = createLog({ functionName: 'f', revision: '' });
    ${source}`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: ['ignore', 'pipe', 'pipe'] });
  children.add(child);
  let err = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const out = async (): Promise<string> => {
    let all = '';
    for await (const text of child.stdout.setEncoding('utf8')) all += text;
    return all;
  };
  return { child, out, ended, err: () => err };
}

test('a process that exits writes what waits', async () => {
  const { out, ended } = start(`for (let i = 0; i < 300; i++) log.info('n', { i }); process.exit(3);`);
  const lines = parsed(await out());
  assert.equal(await ended, 3);
  assert.equal(lines.length, 300);
});

test('a process that dies of an uncaught error writes what waits', async () => {
  for (const death of [
    `throw new Error('x')`,
    `setTimeout(() => { log.info('last'); throw new Error('x'); }, 20)`,
    `Promise.reject(new Error('x'))`,
  ]) {
    const { out, ended } = start(`log.info('last'); ${death};`);
    const lines = parsed(await out());
    assert.notEqual(await ended, 0);
    assert.equal(lines.at(-1)?.message, 'last');
  }
});

test('a process that is killed loses one turn at most', async () => {
  const { out, ended } = start(`log.info('kept'); setTimeout(() => process.kill(process.pid, 'SIGKILL'), 50);`);
  const lines = parsed(await out());
  await ended;
  assert.deepEqual(
    lines.map((line) => line.message),
    ['kept'],
  );
});

test('a reader who stands still stops neither the event loop nor the process', async () => {
  const { child, out, ended, err } = start(`
    let turns = 0;
    await new Promise((resolve) => setTimeout(resolve, 200)); // stdout is non-blocking soon after the start
    const timer = setInterval(() => {
      for (let i = 0; i < 200; i++) log.info('x'.repeat(400));
      if (++turns === 50) {
        clearInterval(timer);
        process.stderr.write(JSON.stringify({ turns, dropped: log.dropped, rss: process.memoryUsage.rss() }) + '\\n');
        setTimeout(() => {}, 700);
      }
    }, 2);`);
  for (let waited = 0; waited < 1_000 && !err().includes('\n'); waited++) await new Promise((resolve) => setTimeout(resolve, 10));
  const seen = JSON.parse(err()) as { turns: number; dropped: number; rss: number };
  assert.equal(seen.turns, 50);
  assert.ok(seen.dropped > 1_000, 'ten thousand lines of 500 bytes do not fit a mebibyte');
  assert.ok(seen.rss < 200e6);
  const lines = parsed(await out());
  assert.equal(await ended, 0);
  const told = lines.find((line) => line.message === 'log lines dropped');
  assert.equal(told?.lines, seen.dropped);
  assert.equal(lines.length - 1 + seen.dropped, 10_000, 'none is lost unseen');
  assert.equal(child.signalCode, null);
});
