import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';
import postgres from 'postgres';
import { rpcs } from '../../proto/generated/rpcs.ts';
import { type GrpcClients, grpcClients } from '../demo/grpc.ts';
import type { HttpClient } from '../demo/http.ts';
import { http2Client } from '../demo/http2.ts';
import { http3Client } from '../demo/http3.ts';
import { type ClientShell, clientShell } from './clients.ts';
import { type Collector, grpcCollector, http1Client, httpCollector, Refused } from './collector.ts';
import { cleanUp, freePlace, type RunningStack, startStackProcess } from './stack.ts';

/** The contract's commands, letter for letter; where 8443 is taken, the port alone is another. */
const commands = {
  register: `curl --http2 -H "Host: record.local" -H "Content-Type: application/json" -X POST https://record.local:8443/api/auth/register -d '{"email":"test@example.com","password":"test123"}'`,
  login: `curl --http3-only -H "Content-Type: application/json" -X POST https://record.local:8443/api/auth/login -d '{"email":"test@example.com","password":"test123"}'`,
  health: `grpcurl -insecure -H "Host: record.local" record.local:8443 auth.AuthService/HealthCheck`,
  authenticate: `grpcurl -insecure -d '{"email":"test@example.com","password":"test123"}' record.local:8443 auth.AuthService/Authenticate`,
  list: 'grpcurl -insecure record.local:8443 list',
} as const;

/** curl's flag → what it says was negotiated. */
const versions = { '--http1.1': '1.1', '--http2': '2', '--http3-only': '3' } as const;

const jwt = /^[\w-]+\.[\w-]+\.[\w-]+$/;

describe('the contract, on the whole local stack', { timeout: 300_000 }, () => {
  const place = freePlace(true);
  let stack: RunningStack;
  let shell: ClientShell;
  let sql: postgres.Sql;

  before(async () => {
    stack = await startStackProcess(place);
    const clients = join(place.folder, 'clients');
    mkdirSync(clients);
    shell = await clientShell(clients, place.edgePort);
    sql = postgres(stack.superuserUrl, { max: 1, onnotice: () => {} });
  });
  after(async () => {
    await sql?.end();
    try {
      await stack?.stop();
    } finally {
      await cleanUp(place, stack?.start);
    }
  });

  const atPort = (command: string) => command.replaceAll('record.local:8443', `record.local:${place.edgePort}`);
  const trusted = () => ({ CURL_CA_BUNDLE: stack.edge.caFile, SSL_CERT_FILE: stack.edge.caFile });

  /** Runs a curl command; what it spoke and was answered follows from its settings file, so that the command stays as it is. */
  async function curl(command: string, trust: 'insecure' | 'root trusted') {
    const marker = '--- ';
    const ended = await shell.run(atPort(command), {
      curlrc: [`write-out = "\\n${marker}%{http_version} %{http_code}"`, ...(trust === 'insecure' ? ['insecure'] : [])],
      environment: trust === 'insecure' ? {} : trusted(),
    });
    assert.equal(ended.code, 0, `${command}\n${ended.stderr}`);
    const [text = '', said = ''] = ended.stdout.split(`\n${marker}`);
    const [version, status] = said.split(' ');
    return { version, status: Number(status), body: text === '' ? undefined : JSON.parse(text) };
  }

  /** Runs a grpcurl command as it is, or without -insecure and with the root trusted. @returns its stdout */
  async function grpcurl(command: string, trust: 'insecure' | 'root trusted' = 'insecure'): Promise<string> {
    const text = trust === 'insecure' ? command : command.replace(' -insecure', '');
    const ended = await shell.run(atPort(text), { environment: trust === 'insecure' ? {} : trusted() });
    assert.equal(ended.code, 0, `${text}\n${ended.stderr}`);
    return ended.stdout;
  }

  describe('its commands, as written', () => {
    for (const trust of ['insecure', 'root trusted'] as const) {
      for (const [flag, version] of Object.entries(versions)) {
        test(`register and log in over HTTP/${version}, ${trust}`, async (t) => {
          t.diagnostic(`${shell.resolution}; port ${place.edgePort}`);
          await sql`delete from auth.accounts`;
          const registered = await curl(commands.register.replace('--http2', flag), trust);
          assert.deepEqual([registered.version, registered.status], [version, 201]);
          assert.deepEqual(Object.keys(registered.body).sort(), ['refreshToken', 'token', 'user']);
          assert.equal(registered.body.user.email, 'test@example.com');

          const loggedIn = await curl(commands.login.replace('--http3-only', flag), trust);
          assert.deepEqual([loggedIn.version, loggedIn.status], [version, 200]);
          assert.match(loggedIn.body.token, jwt);
          assert.deepEqual(loggedIn.body.user, registered.body.user);
        });
      }

      test(`grpcurl asks after health, logs in, lists and describes, ${trust}`, async () => {
        assert.equal(JSON.parse(await grpcurl(commands.health, trust)).healthy, true);
        const session = JSON.parse(await grpcurl(commands.authenticate, trust));
        assert.match(session.token, jwt);
        assert.equal(session.user.email, 'test@example.com');
        assert.deepEqual((await grpcurl(commands.list, trust)).trim().split('\n'), [
          'auth.AuthService',
          'grpc.health.v1.Health',
          'grpc.reflection.v1.ServerReflection',
          'grpc.reflection.v1alpha.ServerReflection',
          'records.RecordsService',
        ]);
        const described = `${await grpcurl(`${commands.list.replace(' list', '')} describe auth.AuthService`, trust)}
          ${await grpcurl(`${commands.list.replace(' list', '')} describe records.RecordsService`, trust)}`;
        for (const { name } of rpcs) assert.match(described, new RegExp(`rpc ${name} `));
        const health = `${commands.list.replace(' list', '')} grpc.health.v1.Health/Check`;
        assert.equal(JSON.parse(await grpcurl(health, trust)).status, 'SERVING');
      });
    }

    test('without the root and without -k no client goes on', async () => {
      const curled = await shell.run(atPort(commands.register));
      assert.deepEqual([curled.code, /certificate/i.test(curled.stderr)], [60, true], curled.stderr);
      const grpcurled = await shell.run(atPort(commands.list.replace(' -insecure', '')));
      assert.notEqual(grpcurled.code, 0);
      assert.match(grpcurled.stderr, /certificate signed by unknown authority/);
    });
  });

  describe('a collector’s first hour', () => {
    let clients: readonly HttpClient[];
    let grpc: GrpcClients;
    let collectors: Readonly<Record<string, Collector>>;
    before(async () => {
      const [http1, http2, http3] = [http1Client(stack.edge), await http2Client(stack.edge), await http3Client(stack.edge)];
      clients = [http1, http2, http3];
      grpc = grpcClients(stack.edge);
      collectors = {
        'HTTP/1.1': httpCollector(http1, 'HTTP/1.1'),
        'HTTP/2': httpCollector(http2, 'HTTP/2'),
        'HTTP/3': httpCollector(http3, 'HTTP/3'),
        gRPC: grpcCollector(stack.edge, grpc),
      };
    });
    after(() => {
      for (const client of clients ?? []) client.close();
      grpc?.close();
    });

    const refusedWith = (reason: string) => (error: unknown) => {
      assert.ok(error instanceof Refused, String(error));
      assert.equal(error.reason, reason, error.message);
      return true;
    };

    for (const protocol of ['HTTP/1.1', 'HTTP/2', 'HTTP/3', 'gRPC']) {
      test(`works over ${protocol}, from the account to the logout that ends the session everywhere`, async () => {
        const collector = collectors[protocol] as Collector;
        const email = `${randomUUID()}@example.com`;
        await collector.register(email, 'long enough');
        await assert.rejects(collector.register(email.toUpperCase(), 'long enough'), refusedWith('EMAIL_TAKEN'));
        await assert.rejects(collector.login(email, 'another one'), refusedWith('INVALID_CREDENTIALS'));
        const { token, refreshToken } = await collector.login(email, 'long enough');

        const key = randomUUID();
        const given = {
          artist: 'Einstürzende Neubauten',
          name: 'Halber Mensch',
          recordGrade: 'near mint',
          price: '19.90',
          currency: 'EUR',
        };
        const made = await collector.create(token, given, key);
        assert.deepEqual([made.name, made.recordGrade, made.price], ['Halber Mensch', 'NM', '19.90']);
        assert.equal((await collector.create(token, given, key)).id, made.id, 'the same key is the same record');
        await collector.create(token, { artist: 'Can', name: 'Ege Bamyasi' }, randomUUID());

        const found = await collector.search(token, 'einsturzende halbr mensch');
        assert.deepEqual([found.total, found.records[0]?.id], [1, made.id], 'found with a typo and without its accent');

        const changed = await collector.change(token, made.id, { notes: 'Poster is missing.' });
        const { etag: _, updatedAt: __, ...rest } = changed;
        const { etag: ___, updatedAt: ____, ...restBefore } = made;
        assert.deepEqual(rest, { ...restBefore, notes: 'Poster is missing.' }, 'a change of one field changes one field');
        assert.deepEqual(await collector.get(token, made.id), changed);

        await collector.remove(token, made.id);
        await assert.rejects(collector.get(token, made.id), refusedWith('NOT_FOUND'));

        assert.equal(await collector.isValid(token), true);
        await collector.logout(refreshToken);
        for (const anyOther of Object.values(collectors)) {
          await assert.rejects(anyOther.search(token, ''), refusedWith('SESSION_ENDED'));
          await assert.rejects(anyOther.create(token, given, randomUUID()), refusedWith('SESSION_ENDED'));
          assert.equal(await anyOther.isValid(token), false);
        }
      });
    }
  });

  describe('at the edge', () => {
    let http2: HttpClient;
    before(async () => {
      http2 = await http2Client(stack.edge);
    });
    after(() => http2?.close());

    test('the contract is served as OpenAPI 3.1, with every path of every rpc', async () => {
      const { status, headers, body } = await http2.send({ method: 'GET', path: '/api/openapi.json' });
      assert.equal(status, 200);
      assert.match(headers['content-type'] ?? '', /^application\/json/);
      assert.match(body.openapi, /^3\.1\./);
      const missing = rpcs.flatMap(({ http }) => http).filter(({ method, path }) => body.paths[path]?.[method.toLowerCase()] === undefined);
      assert.deepEqual(missing, []);
    });

    test('a path that is not there and a method that is not taken are problem+json, over each HTTP version', async () => {
      for (const client of [http1Client(stack.edge), await http2Client(stack.edge), await http3Client(stack.edge)]) {
        const nowhere = await client.send({ method: 'GET', path: '/api/cassettes' });
        assert.deepEqual([nowhere.status, nowhere.body.code], [404, 'ROUTE_NOT_FOUND']);
        const refused = await client.send({ method: 'DELETE', path: '/api/records' });
        assert.deepEqual([refused.status, refused.body.code, refused.headers.allow], [405, 'METHOD_NOT_ALLOWED', 'GET, HEAD, POST']);
        // A path of one function is refused by that function.
        const byFunction = await client.send({ method: 'GET', path: '/api/auth/login' });
        assert.deepEqual([byFunction.status, byFunction.body.code, byFunction.headers.allow], [405, 'METHOD_NOT_ALLOWED', 'POST']);
        for (const { headers, body } of [nowhere, refused, byFunction]) {
          assert.equal(headers['content-type'], 'application/problem+json');
          assert.equal(body.instance, headers['x-request-id']);
        }
        client.close();
      }
    });

    test('a gRPC method that is not there is UNIMPLEMENTED, and refusals have their reason', async () => {
      const methods = ['auth.AuthService/Nothing', 'cassettes.Service/Get'];
      for (const method of methods) {
        const clients = grpcClients(stack.edge);
        const error = await new Promise<{ code: number } | null>((resolve) => {
          clients.auth.makeUnaryRequest(
            `/${method}`,
            (value: Buffer) => value,
            (value) => value,
            Buffer.alloc(0),
            (failure) => resolve(failure),
          );
        });
        clients.close();
        assert.equal(error?.code, 12, method);
      }
      const ended = await shell.run(atPort(`grpcurl -insecure -d '{"record_id":"x"}' record.local:8443 records.RecordsService/GetRecord`));
      assert.match(ended.stderr, /Code: Unauthenticated/);
      assert.match(ended.stderr, /"reason": "UNAUTHENTICATED"/);
    });

    test('a forged request id and a forged address are not believed', async () => {
      const forged = {
        'x-request-id': 'forged-by-a-client',
        'x-forwarded-for': '203.0.113.7',
        'x-real-ip': '203.0.113.7',
        forwarded: 'for=203.0.113.7',
      };
      const { status, headers } = await http2.send({ method: 'GET', path: '/api/auth/healthz', headers: forged });
      assert.equal(status, 200);
      const requestId = headers['x-request-id'] ?? '';
      assert.match(requestId, /^[0-9a-f-]{36}$/);
      const line = await logLine('auth-health-check', requestId);
      assert.equal(line.caller_address, '127.0.0.1');

      await grpcurl(
        `${commands.health.replace('-H "Host: record.local"', '-H "x-request-id: forged-by-grpc" -H "x-forwarded-for: 203.0.113.7"')}`,
      );
      await sleep(200);
      assert.doesNotMatch(JSON.stringify(stack.logged('auth-health-check')), /forged-by|203\.0\.113\.7/);
    });

    /** The line of one request, which a function writes soon after its answer. */
    async function logLine(part: string, requestId: string): Promise<Record<string, unknown>> {
      for (let waited = 0; waited < 5000; waited += 50) {
        const line = stack.logged(part).find((each) => each.request_id === requestId);
        if (line !== undefined) return line;
        await sleep(50);
      }
      return assert.fail(`no line of ${part} has the request id ${requestId}`);
    }

    test('TLS 1.2 and 1.3 are spoken, 1.1 is not', async () => {
      const { address: host, port, ca } = stack.edge;
      const spoken = async (version: tls.SecureVersion): Promise<string | null> => {
        const ciphers = version === 'TLSv1.1' ? { ciphers: 'DEFAULT@SECLEVEL=0' } : {};
        const socket = tls.connect({ host, port, ca, servername: 'record.local', minVersion: version, maxVersion: version, ...ciphers });
        await once(socket, 'secureConnect');
        const protocol = socket.getProtocol();
        socket.destroy();
        return protocol;
      };
      assert.equal(await spoken('TLSv1.2'), 'TLSv1.2');
      assert.equal(await spoken('TLSv1.3'), 'TLSv1.3');
      await assert.rejects(spoken('TLSv1.1'), { code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' });
    });
  });
});
