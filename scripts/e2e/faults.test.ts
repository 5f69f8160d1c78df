import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../stack/part.ts';
import { type Stack, startStack } from '../stack/stack.ts';

interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: { readonly id?: string; readonly token?: string; readonly total?: number; readonly code?: string };
}

/** What happened to one kind of request while a part was down. */
interface Tally {
  good: number;
  /** 503 with Retry-After. */
  unavailable: number;
  /** No answer at all: refused or reset. */
  lost: number;
  /** Anything else, which must not be. */
  readonly strange: string[];
  /** Longest time between two good ones, milliseconds. */
  gapMs: number;
  lastGood: number;
}

const tally = (): Tally => ({ good: 0, unavailable: 0, lost: 0, strange: [], gapMs: 0, lastGood: performance.now() });

describe('under light load, a part that dies', { timeout: 180_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'record-platform-faults-'));
  chmodSync(folder, 0o755);
  const agent = new https.Agent({ keepAlive: true, maxSockets: 8 });
  let stack: Stack;
  let port: number;
  let ca: Buffer;
  let authorization: string;
  let known: string;
  /** Name → id of every record whose creation was acknowledged. */
  const acknowledged = new Map<string, string>();

  before(async () => {
    const [edgePort, postgresPort, pgbouncerPort] = await Promise.all([freePort(), freePort(), freePort()]);
    port = edgePort;
    const functionsPort = 21_000 + 40 * (process.pid % 250);
    stack = await startStack({
      settings: { folder, edgePort, postgresPort, pgbouncerPort, functionsPort },
      environment: { BCRYPT_COST: '10' },
    });
    ca = readFileSync(stack.rootCertificate);
    const account = await ask('POST', '/api/auth/register', { email: 'faults@example.com', password: 'long enough' });
    authorization = `Bearer ${account.body.token}`;
    known = (await ask('POST', '/api/records', { artist: 'Can', name: 'Future Days' }, { 'idempotency-key': randomUUID() })).body.id ?? '';
    assert.notEqual(known, '');
  });
  after(async () => {
    agent.destroy();
    await stack?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function ask(method: string, path: string, body?: object, headers: Record<string, string> = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const all = {
        host: `record.local:${port}`,
        'content-type': 'application/json',
        ...(authorization ? { authorization } : {}),
        ...headers,
      };
      const request = https.request(
        { host: '127.0.0.1', port, servername: 'record.local', ca, agent, method, path, headers: all, timeout: 20_000 },
        (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (chunk) => {
            text += chunk;
          });
          response.on('error', reject);
          response.on('end', () => {
            try {
              resolve({
                status: response.statusCode ?? 0,
                retryAfter: response.headers['retry-after'],
                body: text === '' ? {} : JSON.parse(text),
              });
            } catch {
              reject(new Error(`${response.statusCode} without JSON: ${text.slice(0, 100)}`));
            }
          });
        },
      );
      request.on('error', reject).on('timeout', () => request.destroy(new Error('no answer in 20 s')));
      request.end(body && JSON.stringify(body));
    });
  }

  function count(into: Tally, answer: Answer | Error, good: number): boolean {
    if (answer instanceof Error) {
      if (/no answer|without JSON/.test(answer.message)) into.strange.push(answer.message);
      else into.lost += 1;
      return false;
    }
    if (answer.status === 503 && answer.retryAfter !== undefined && answer.body.code !== undefined) into.unavailable += 1;
    else if (answer.status !== good) into.strange.push(`${answer.status} ${answer.body.code}`);
    if (answer.status !== good) return false;
    into.good += 1;
    into.gapMs = Math.max(into.gapMs, performance.now() - into.lastGood);
    into.lastGood = performance.now();
    return true;
  }
  const caught = (error: Error): Error => error;

  /**
   * Reads and writes go on while something is done to the stack, and for a while after. Each write has its own name and key, and is
   * tried again with that key until it is acknowledged, as a good client does.
   */
  async function whileLoaded(act: () => Promise<void>): Promise<{ reads: Tally; writes: Tally }> {
    const reads = tally();
    const writes = tally();
    let going = true;
    const reader = async () => {
      while (going) {
        count(reads, await ask('GET', `/api/records/${known}`).catch(caught), 200);
        await sleep(10);
      }
    };
    const writer = async () => {
      while (going) {
        const name = `fault ${randomUUID()}`;
        const key = { 'idempotency-key': randomUUID() };
        for (let tries = 0; tries < 200; tries += 1) {
          const answer = await ask('POST', '/api/records', { artist: 'Fault', name }, key).catch(caught);
          if (count(writes, answer, 201)) {
            acknowledged.set(name, (answer as Answer).body.id ?? '');
            break;
          }
          await sleep(50);
        }
      }
    };
    const load = [reader(), reader(), writer(), writer()];
    await sleep(300);
    await act();
    const before = [reads.good, writes.good];
    for (let waited = 0; waited < 30_000 && (reads.good < (before[0] ?? 0) + 20 || writes.good < (before[1] ?? 0) + 20); waited += 50)
      await sleep(50);
    going = false;
    await Promise.all(load);
    assert.ok(reads.good >= (before[0] ?? 0) + 20 && writes.good >= (before[1] ?? 0) + 20, 'it recovered within 30 s');
    return { reads, writes };
  }

  /** Kills the process of a part, and waits for the next. */
  async function kill(name: string): Promise<void> {
    const supervised = stack.parts.get(name);
    const pid = supervised?.part.pid ?? 0;
    assert.ok(pid > 0, name);
    process.kill(pid, 'SIGKILL');
    for (let waited = 0; supervised?.part.pid === pid; waited += 20) {
      assert.ok(waited < 30_000, `${name} was started again within 30 s`);
      await sleep(20);
    }
  }

  test('a function that reads: every REST read succeeds, by another try at the edge', async (t) => {
    const { reads, writes } = await whileLoaded(() => kill('records-get-record'));
    t.diagnostic(JSON.stringify({ reads, writes }));
    assert.deepEqual([reads.unavailable, reads.lost, reads.strange], [0, 0, []]);
    assert.deepEqual([writes.unavailable, writes.lost, writes.strange], [0, 0, []]);
  });

  test('a function that writes: a clear 503, then it goes on', async (t) => {
    const { reads, writes } = await whileLoaded(() => kill('records-create-record'));
    t.diagnostic(JSON.stringify({ reads, writes }));
    assert.deepEqual([reads.unavailable, reads.lost, reads.strange], [0, 0, []]);
    assert.deepEqual([writes.lost, writes.strange], [0, []]);
  });

  test('PgBouncer: clear 503s with Retry-After until it is back', async (t) => {
    const { reads, writes } = await whileLoaded(() => kill('pgbouncer'));
    t.diagnostic(JSON.stringify({ reads, writes }));
    assert.deepEqual([reads.lost, reads.strange, writes.lost, writes.strange], [0, [], 0, []]);
    assert.ok(reads.gapMs < 10_000);
  });

  test('PostgreSQL: clear 503s with Retry-After until it is back', async (t) => {
    const { reads, writes } = await whileLoaded(() => kill('postgres'));
    t.diagnostic(JSON.stringify({ reads, writes }));
    assert.deepEqual([reads.lost, reads.strange, writes.lost, writes.strange], [0, [], 0, []]);
    assert.ok(reads.gapMs < 10_000);
  });

  test('Caddy: refused or reset, for at most 5 s', async (t) => {
    const { reads, writes } = await whileLoaded(() => kill('caddy'));
    t.diagnostic(JSON.stringify({ reads, writes }));
    assert.deepEqual([reads.strange, writes.strange], [[], []]);
    assert.ok(reads.gapMs < 5000, `${reads.gapMs} ms`);
  });

  test('and after all that, every acknowledged write is there, once', async () => {
    const { status, body } = await ask('GET', '/api/records?limit=1');
    assert.equal(status, 200);
    // Each name was written until it was acknowledged, so what is there is what was acknowledged, and the first record.
    assert.equal(body.total, acknowledged.size + 1);
    assert.equal(new Set(acknowledged.values()).size, acknowledged.size);
    for (const [name, id] of acknowledged) {
      const record = (await ask('GET', `/api/records/${id}`)) as { body: { name?: string } };
      assert.equal(record.body.name, name);
    }
  });
});
