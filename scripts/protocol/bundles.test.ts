import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HttpRule, Rpc } from '../../functions/runtime/contract.ts';
import { type AnyFunction, defaultLimits } from '../../functions/runtime/define-function.ts';
import { type Bundle, buildBundles, startBundle } from '../../functions/testing/bundle.ts';
import { rpcs } from '../../proto/generated/rpcs.ts';
import { type Answer, type Asked, connectHttp2, curl, type Http2Client, http1, runGrpcurl, talk } from './clients.ts';
import { type Platform, startPlatform } from './platform.ts';
import { type PythonClient, startPythonClient } from './python-client.ts';
import { type Existing, goodRequest, type HttpRequest, httpRequestOf, isUnary, type Message } from './requests.ts';

let platform: Platform;
let python: PythonClient;

before(async () => {
  await buildBundles();
  [platform, python] = await Promise.all([startPlatform(), startPythonClient()]);
});
after(async () => {
  python?.stop();
  await platform?.drop();
});

/** A bundle as a process, with what is needed to ask it. */
interface Asking {
  readonly rpc: Rpc;
  readonly rule: HttpRule;
  readonly limits: { readonly bodyBytesMax: number; readonly headerBytesMax: number };
  /** Of an answer that may be kept; the others may not. */
  readonly cacheControl: string;
  readonly bundle: Bundle;
  readonly http2: Http2Client;
  readonly target: string;
  readonly authorization: Record<string, string>;
  /** A request that succeeds, new each time: what one call uses up or removes, the next one needs again. */
  good(): Promise<Message>;
  goodHttp(): Promise<HttpRequest>;
  /** The same request by HTTP/1.1 with and without content-length, and by HTTP/2. */
  everyHttp(asked: Asked): Promise<[how: string, answer: Answer][]>;
}

const definitionOf = async ({ functionName, name, service }: Rpc): Promise<AnyFunction> => {
  const folder = service.split('.')[0] as string;
  assert.ok(functionName.startsWith(`${folder}-`), name);
  return (await import(`../../functions/${folder}/${functionName.slice(folder.length + 1)}/function.ts`)).default;
};

async function startAsking(rpc: Rpc): Promise<Asking> {
  const { limits: own, cacheSeconds } = await definitionOf(rpc);
  const limits = { ...defaultLimits, ...own };
  const [bundle, account] = await Promise.all([startBundle(rpc.functionName, platform.environmentOf(rpc)), platform.newAccount()]);
  const http2 = connectHttp2(bundle.port);
  const rule = rpc.http[0] as HttpRule;
  const usesRefreshToken = rpc.functionName === 'auth-refresh-token';
  const good = async (): Promise<Message> => {
    const recordId = rpc.request.fields.some(({ name }) => name === 'record_id') ? await platform.newRecord(account) : '';
    const existing: Existing = usesRefreshToken ? { ...(await platform.newAccount()), recordId } : { ...account, recordId };
    return goodRequest(rpc, existing);
  };
  const authorization: Record<string, string> = rpc.access === 'CALLER' ? { authorization: `Bearer ${account.token}` } : {};
  return {
    rpc,
    rule,
    limits,
    cacheControl: cacheSeconds === undefined ? 'no-store' : `public, max-age=${cacheSeconds}`,
    bundle,
    http2,
    target: `127.0.0.1:${bundle.port}`,
    authorization,
    good,
    async goodHttp() {
      const request = httpRequestOf(rpc, rule, await good());
      return { ...request, headers: { ...request.headers, ...authorization } };
    },
    async everyHttp(asked) {
      const ways: [string, Promise<Answer>][] = [
        ['HTTP/1.1', http1(bundle.port, asked)],
        ['HTTP/2', http2.ask(asked)],
      ];
      if (asked.body !== undefined) {
        ways.push(['HTTP/1.1 chunked', http1(bundle.port, { ...asked, chunked: true })]);
        ways.push(['HTTP/2 without content-length', http2.ask({ ...asked, chunked: true })]);
      }
      return Promise.all(ways.map(async ([how, answer]): Promise<[string, Answer]> => [how, await answer]));
    },
  };
}

/** RFC 9457, as design.md has it. */
function assertProblem(answer: Answer, status: number, code: string, how: string): void {
  assert.equal(answer.status, status, `${how}: ${answer.text}`);
  assert.equal(answer.headers['content-type'], 'application/problem+json', how);
  const problem = answer.json;
  assert.deepEqual([problem.status, problem.code], [status, code], how);
  assert.equal(problem.instance, answer.headers['x-request-id'], how);
  assert.ok(problem.title.length > 5 && problem.detail.length > 5 && problem.type.includes(code), how);
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

const checks: Record<string, (asking: Asking) => Promise<void>> = {
  'answers HTTP/1.1 and h2c by prior knowledge to curl': async ({ rpc, bundle, goodHttp, cacheControl }) => {
    for (const [option, version] of [
      ['--http1.1', '1.1'],
      ['--http2-prior-knowledge', '2'],
    ] as const) {
      const answer = await curl(bundle.port, await goodHttp(), option);
      assert.equal(answer.version, version);
      assert.equal(answer.status, rpc.successStatus, answer.text);
      if (rpc.successStatus === 204) assert.equal(answer.text, '');
      else assert.equal(answer.headers['content-type'], 'application/json');
      assert.match(answer.headers['x-request-id'] ?? '', /^[\w-]{8,}$/);
      assert.equal(answer.headers['cache-control'], cacheControl);
    }
  },

  'answers each of its HTTP rules in both versions': async ({ rpc, good, authorization, bundle, http2 }) => {
    for (const rule of rpc.http) {
      for (const ask of [(asked: Asked) => http1(bundle.port, asked), http2.ask]) {
        const request = httpRequestOf(rpc, rule, await good());
        const answer = await ask({ ...request, headers: { ...request.headers, ...authorization } });
        assert.equal(answer.status, rpc.successStatus, `${rule.method} ${rule.path}: ${answer.text}`);
      }
    }
  },

  'answers HEAD as GET without a body, and 405 where there is no GET': async ({ rpc, bundle, http2, goodHttp, rule }) => {
    const get = rpc.http.find(({ method }) => method === 'GET');
    const { path, headers } = await goodHttp();
    for (const ask of [(asked: Asked) => http1(bundle.port, asked), http2.ask]) {
      const head = await ask({ method: 'HEAD', path, headers });
      assert.equal(head.text, '');
      if (get === undefined) {
        assert.equal(head.status, 405, rule.path);
        continue;
      }
      const got = await ask({ path, headers });
      assert.deepEqual([head.status, head.headers['content-length']], [got.status, got.headers['content-length']]);
    }
  },

  'answers the probes of the platform': async ({ everyHttp }) => {
    for (const path of ['/livez', '/readyz'])
      for (const [how, answer] of await everyHttp({ path })) assert.deepEqual([answer.status, answer.json], [200, { status: 'ok' }], how);
    for (const [how, answer] of await everyHttp({ path: '/readyz', method: 'POST', body: '' })) {
      assertProblem(answer, 405, 'METHOD_NOT_ALLOWED', how);
      assert.equal(answer.headers.allow, 'GET, HEAD');
    }
  },

  'answers what is nowhere with 404': async ({ everyHttp, rule }) => {
    for (const path of ['/', '/nowhere', `${rule.path}/`, `${rule.path}/more/still`, '//', '/api/../livez', `/${'a'.repeat(4000)}`])
      for (const [how, answer] of await everyHttp({ path })) assertProblem(answer, 404, 'ROUTE_NOT_FOUND', `${how} ${path}`);
  },

  'answers a wrong method with 405 and all the right ones in Allow': async ({ rpc, goodHttp, everyHttp }) => {
    const { path, headers } = await goodHttp();
    const taken = rpc.http.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND']) {
      if (taken.includes(method)) continue;
      for (const [how, answer] of await everyHttp({ method, path, headers })) {
        assertProblem(answer, 405, 'METHOD_NOT_ALLOWED', `${how} ${method}`);
        assert.deepEqual(answer.headers.allow?.split(', ').sort(), [...taken].sort());
      }
    }
  },

  'answers a body over its limit with 413, RESOURCE_EXHAUSTED on gRPC': async (asking) => {
    const { rpc, rule, limits, goodHttp, everyHttp, http2, authorization } = asking;
    if (rule.body !== undefined) {
      const { method, path, headers } = await goodHttp();
      for (const body of [' '.repeat(limits.bodyBytesMax + 1), ' '.repeat(limits.bodyBytesMax + 300_000)])
        for (const [how, answer] of await everyHttp({ method, path, headers, body }))
          assertProblem(answer, 413, 'BODY_TOO_LARGE', `${body.length} bytes by ${how}`);
    }
    const answer = await http2.grpc(rpc.path, Buffer.alloc(limits.bodyBytesMax + 1), authorization);
    assert.deepEqual([answer.code, answer.reason], [8, 'BODY_TOO_LARGE']);
  },

  'answers headers over their limit with 431, RESOURCE_EXHAUSTED on gRPC': async ({ rpc, everyHttp, limits, http2, authorization }) => {
    const headers = { 'x-large': 'a'.repeat(limits.headerBytesMax) };
    for (const [how, answer] of await everyHttp({ path: '/livez', headers })) {
      assert.equal(answer.status, 431, how);
      assert.equal(answer.json.code, 'HEADERS_TOO_LARGE', how);
    }
    const answer = await http2.grpc(rpc.path, Buffer.alloc(0), { ...authorization, ...headers });
    assert.deepEqual([answer.code, answer.reason], [8, 'HEADERS_TOO_LARGE']);
  },

  'answers grpcurl, which knows only what reflection says': async ({ rpc, bundle, good, authorization }) => {
    const listed = await runGrpcurl(bundle.port, ['list']);
    assert.deepEqual(listed.stdout.trim().split('\n'), [
      'auth.AuthService',
      'grpc.health.v1.Health',
      'grpc.reflection.v1.ServerReflection',
      'grpc.reflection.v1alpha.ServerReflection',
      'records.RecordsService',
    ]);
    const method = `${rpc.service}.${rpc.name}`;
    const described = await runGrpcurl(bundle.port, ['describe', method]);
    assert.match(described.stdout, new RegExp(`rpc ${rpc.name} \\( \\.${rpc.request.name.replace('.', '\\.')} \\)`));
    assert.match(described.stdout, /google\.api\.http/, 'our options are told too');
    const message = JSON.stringify(await good());
    const called = await runGrpcurl(bundle.port, [`-d=${message}`, `${rpc.service}/${rpc.name}`], authorization);
    assert.equal(called.code, 0, called.stderr);
    JSON.parse(called.stdout);
  },

  'answers grpcio, an implementation of its own': async ({ rpc, bundle, target, good, authorization }) => {
    const method = rpc.path.slice(1);
    for (const version of ['v1', 'v1alpha'] as const)
      assert.ok((await python.services(target, version)).includes(rpc.service), `reflection ${version}`);
    const requestId = randomUUID();
    const metadata = { ...authorization, 'x-request-id': requestId };
    const answer = await python.call(target, method, { message: await good(), metadata });
    assert.equal(answer.code, 'OK', JSON.stringify(answer));
    const logged = () => bundle.lines.find(({ request_id }) => request_id === requestId);
    while (logged() === undefined) await sleep(5);
    assert.deepEqual([logged()?.dialect, logged()?.code, logged()?.route], ['grpc', 'OK', rpc.path]);
    // On a busy machine grpcio may look at its clock after the answer has come: such a call says nothing.
    let late = 'OK';
    for (let tries = 0; late === 'OK' && tries < 20; tries++)
      late = (await python.call(target, method, { message: await good(), metadata, timeout: 0.000_1 })).code;
    assert.equal(late, 'DEADLINE_EXCEEDED');
  },

  'tells grpcio why it refuses, in google.rpc.Status': async ({ rpc, target }) => {
    const method = rpc.path.slice(1);
    if (rpc.access === 'CALLER') {
      const requestId = randomUUID();
      const refused = await python.call(target, method, { message: {}, metadata: { 'x-request-id': requestId } });
      assert.equal(refused.trailers['x-request-id'], requestId);
      assert.deepEqual([refused.code, refused.reason, refused.domain], ['UNAUTHENTICATED', 'UNAUTHENTICATED', 'record-platform']);
      assert.deepEqual([refused.status_code, refused.status_message], [16, refused.details]);
    }
    const required = rpc.request.fields.filter((field) => field.required).map(({ name }) => ({ field: name, reason: 'REQUIRED' }));
    if (rpc.access === 'PUBLIC' && required.length > 0) {
      const refused = await python.call(target, method, { message: {} });
      assert.deepEqual([refused.code, refused.reason], ['INVALID_ARGUMENT', 'INVALID_FIELDS']);
      assert.deepEqual(refused.violations, required);
    }
    const other = rpcs.find(({ path }) => path !== rpc.path) as Rpc;
    const elsewhere = await python.call(target, other.path.slice(1), { message: {} });
    assert.deepEqual([elsewhere.code, elsewhere.reason], ['UNIMPLEMENTED', 'ROUTE_NOT_FOUND']);
  },

  'serves grpc.health.v1': async ({ rpc, target }) => {
    assert.deepEqual(await python.health(target), { status: 'SERVING' });
    assert.deepEqual(await python.health(target, rpc.service), { status: 'SERVING' });
    assert.equal((await python.health(target, 'nobody.Knows')).code, 'NOT_FOUND');
  },

  'answers gRPC that makes no sense with a reason, never INTERNAL': async ({ rpc, http2, authorization, everyHttp }) => {
    for (const bytes of [Buffer.from([0xff]), Buffer.from([0x0a, 0x7f]), Buffer.from([0x00, 0x01]), Buffer.from([0x0b, 0x0c, 0x01])]) {
      const answer = await http2.grpc(rpc.path, bytes, authorization);
      assert.deepEqual([answer.code, answer.reason], [3, 'MALFORMED_BODY'], base64(bytes));
    }
    const odd = await http2.grpc(rpc.path, Buffer.alloc(0), { ...authorization, 'grpc-timeout': 'soon' });
    assert.deepEqual([odd.code, odd.reason], [3, 'MALFORMED_BODY'], 'a grpc-timeout that is none');
    const packed = await http2.grpc(rpc.path, Buffer.alloc(0), { ...authorization, 'grpc-encoding': 'zip' });
    assert.notEqual(packed.code, 13);
    // gRPC needs HTTP/2: on HTTP/1.1 its methods are paths like any other.
    const [[, onHttp1]] = (await everyHttp({ path: rpc.path, method: 'POST', body: '' })) as [[string, Answer]];
    assertProblem(onHttp1, 404, 'ROUTE_NOT_FOUND', 'HTTP/1.1');
  },

  'takes every form of request that HTTP/1.1 has, and refuses what only looks like one': async ({ bundle }) => {
    const closing = 'Host: x\r\nConnection: close\r\n\r\n';
    for (const [request, ...statuses] of [
      [`GET http://record.local:8443/livez HTTP/1.1\r\n${closing}`, 200],
      [`GET http://record.local?x=1 HTTP/1.1\r\n${closing}`, 404],
      [`OPTIONS * HTTP/1.1\r\n${closing}`, 404],
      [`CONNECT record.local:443 HTTP/1.1\r\n${closing}`, 404],
      [`TRACE /livez HTTP/1.1\r\n${closing}`, 405],
      ['GET /livez HTTP/1.0\r\n\r\n', 200],
      [
        `GET /livez HTTP/1.1\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\nConnection: close, Upgrade, HTTP2-Settings\r\nHost: x\r\n\r\n`,
        200,
      ],
      [`GET /livez HTTP/1.1\r\nHost: x\r\n\r\nGET /readyz HTTP/1.1\r\n${closing}`, 200, 200],
      // No host; two lengths; a length and chunks, with which requests are smuggled (RFC 9112, section 11.2).
      ['GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
      [`POST /livez HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n${closing}hello`, 400],
      [`POST /livez HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n${closing}0\r\n\r\n`, 400],
      [`GET /livez HTTP/1.1\r\nX-Split: a\nb: c\r\n${closing}`, 400],
      [`GET /livez HTTP/9.9\r\n${closing}`, 400],
    ] as [string, ...number[]][]) {
      const { heard } = await talk(bundle.port, [request]);
      assert.deepEqual(
        [...heard.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status)),
        statuses,
        request,
      );
    }
  },

  'minds no TCP probe': async ({ bundle, http2 }) => {
    for (let probe = 0; probe < 10; probe++)
      await new Promise<void>((resolve, reject) => {
        const socket = net.connect(bundle.port, '127.0.0.1', () => socket.end()).on('close', () => resolve());
        socket.on('error', reject);
        socket.resume();
      });
    assert.equal((await http2.ask({ path: '/livez' })).status, 200);
  },
};

/** For those that take a body. */
const bodyChecks: typeof checks = {
  'answers a body that is no JSON with 400': async ({ goodHttp, everyHttp }) => {
    const { method, path, headers, body = '' } = await goodHttp();
    const bodies: Record<string, string | Uint8Array> = {
      empty: '',
      'cut off': body.slice(0, -1),
      'followed by more': `${body}{}`,
      'in single quotes': "{'a':'b'}",
      'a list': '[]',
      null: 'null',
      'a string': '"text"',
      'with a byte order mark': `\ufeff${body}`,
      'not UTF-8': Buffer.concat([Buffer.from(body.slice(0, -1)), Buffer.from([0x2c, 0x22, 0xc3, 0x28, 0x22, 0x3a, 0x31, 0x7d])]),
      'deeper than any parser': '['.repeat(3000),
    };
    for (const [name, bad] of Object.entries(bodies))
      for (const [how, answer] of await everyHttp({ method, path, headers, body: bad }))
        assertProblem(answer, 400, 'MALFORMED_BODY', `${name} by ${how}`);
  },

  'answers a body of another type with 415': async ({ goodHttp, everyHttp }) => {
    const { method, path, headers, body } = await goodHttp();
    const { 'content-type': _, ...untyped } = headers;
    for (const type of [undefined, 'text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', 'application/grpc-web'])
      for (const [how, answer] of await everyHttp({ method, path, headers: { ...untyped, ...(type && { 'content-type': type }) }, body }))
        assertProblem(answer, 415, 'UNSUPPORTED_MEDIA_TYPE', `${type} by ${how}`);
  },
};

describe('every bundle, started as a process', { concurrency: 3 }, () => {
  for (const rpc of rpcs.filter(isUnary)) {
    test(rpc.functionName, async (t) => {
      const asking = await startAsking(rpc);
      const { bundle, http2, target } = asking;
      try {
        const all = asking.rule.body === undefined ? checks : { ...checks, ...bodyChecks };
        for (const [name, check] of Object.entries(all)) await t.test(name, () => check(asking));
        await t.test('tells its watchers that it stops, ends them, and exits 0', async () => {
          const watch = await python.watch(target, 20);
          assert.equal(watch.first, 'SERVING');
          bundle.signal('SIGTERM');
          assert.deepEqual(await watch.ended, { seen: ['SERVING', 'NOT_SERVING'], code: 'OK' });
          await python.close(target);
          http2.session.close();
          assert.equal(await bundle.ended, 0);
          assert.equal(bundle.stderr(), '');
          // A deadline that the client set is nobody's fault here.
          const faults = bundle.lines.filter(({ severity, code }) => severity !== 'INFO' && code !== 'DEADLINE_EXCEEDED');
          assert.deepEqual(faults, []);
          assert.equal(bundle.lines.at(-1)?.message, 'stopped');
        });
      } finally {
        http2.close();
        await python.close(target).catch(() => {});
        if ((await Promise.race([bundle.ended, undefined])) === undefined) await bundle.stop();
      }
    });
  }
});
