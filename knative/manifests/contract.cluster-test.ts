import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { rpcs } from '../../proto/generated/rpcs.ts';
import { type GrpcClients, grpcClients } from '../../scripts/demo/grpc.ts';
import type { HttpClient } from '../../scripts/demo/http.ts';
import { http2Client } from '../../scripts/demo/http2.ts';
import { http3Client } from '../../scripts/demo/http3.ts';
import { type ClientShell, clientShell } from '../../scripts/e2e/clients.ts';
import { type Collector, grpcCollector, http1Client, httpCollector, Refused } from '../../scripts/e2e/collector.ts';
import '../cluster/quick.ts';
import { clusterEdge } from './testing/cluster.ts';

/** The contract's commands, letter for letter. */
const commands = {
  register: `curl --http2 -H "Host: record.local" -H "Content-Type: application/json" -X POST https://record.local:8443/api/auth/register -d '{"email":"test@example.com","password":"test123"}'`,
  login: `curl --http3-only -H "Content-Type: application/json" -X POST https://record.local:8443/api/auth/login -d '{"email":"test@example.com","password":"test123"}'`,
  health: `grpcurl -insecure -H "Host: record.local" record.local:8443 auth.AuthService/HealthCheck`,
  authenticate: `grpcurl -insecure -d '{"email":"test@example.com","password":"test123"}' record.local:8443 auth.AuthService/Authenticate`,
  list: 'grpcurl -insecure record.local:8443 list',
} as const;

const versions = { '--http1.1': '1.1', '--http2': '2', '--http3-only': '3' } as const;
const jwt = /^[\w-]+\.[\w-]+\.[\w-]+$/;

describe('the contract, through the cluster’s edge', { timeout: 300_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'record-platform-cluster-clients-'));
  const edge = clusterEdge();
  let shell: ClientShell;
  before(async () => {
    shell = await clientShell(folder, edge.port);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const trusted = { CURL_CA_BUNDLE: edge.caFile, SSL_CERT_FILE: edge.caFile };

  async function curl(command: string, insecure: boolean) {
    const marker = '--- ';
    const curlrc = [`write-out = "\\n${marker}%{http_version} %{http_code}"`, ...(insecure ? ['insecure'] : [])];
    const ended = await shell.run(command, { curlrc, environment: insecure ? {} : trusted });
    assert.equal(ended.code, 0, `${command}\n${ended.stderr}`);
    const [text = '', said = ''] = ended.stdout.split(`\n${marker}`);
    const [version, status] = said.split(' ');
    return { version, status: Number(status), body: text === '' ? undefined : JSON.parse(text) };
  }

  async function grpcurl(command: string, insecure: boolean): Promise<string> {
    const text = insecure ? command : command.replace(' -insecure', '');
    const ended = await shell.run(text, { environment: insecure ? {} : trusted });
    assert.equal(ended.code, 0, `${text}\n${ended.stderr}`);
    return ended.stdout;
  }

  for (const insecure of [true, false]) {
    const trust = insecure ? 'with -k' : 'with the root trusted';
    for (const [flag, version] of Object.entries(versions))
      test(`register and log in over HTTP/${version}, ${trust}`, async () => {
        // A cluster keeps its accounts: the first run of all makes this one, and a fresh one is made each time.
        const first = await curl(commands.register.replace('--http2', flag), insecure);
        assert.equal(first.version, version);
        assert.ok(first.status === 201 || (first.status === 409 && first.body.code === 'EMAIL_TAKEN'), JSON.stringify(first));
        const email = `${randomUUID()}@example.com`;
        const fresh = await curl(commands.register.replace('--http2', flag).replace('test@example.com', email), insecure);
        assert.deepEqual([fresh.version, fresh.status, fresh.body.user.email], [version, 201, email]);
        const session = await curl(commands.login.replace('--http3-only', flag), insecure);
        assert.deepEqual([session.version, session.status], [version, 200]);
        assert.match(session.body.token, jwt);
      });

    test(`grpcurl asks after health, logs in, lists and describes, ${trust}`, async () => {
      assert.equal(JSON.parse(await grpcurl(commands.health, insecure)).healthy, true);
      assert.match(JSON.parse(await grpcurl(commands.authenticate, insecure)).token, jwt);
      const services = (await grpcurl(commands.list, insecure)).trim().split('\n');
      assert.ok(services.includes('auth.AuthService') && services.includes('records.RecordsService'), services.join());
      const described = await Promise.all(
        ['auth.AuthService', 'records.RecordsService'].map((name) =>
          grpcurl(commands.list.replace(' list', ` describe ${name}`), insecure),
        ),
      );
      for (const { name } of rpcs) assert.match(described.join('\n'), new RegExp(`rpc ${name} `));
      assert.equal(JSON.parse(await grpcurl(commands.list.replace(' list', ' grpc.health.v1.Health/Check'), insecure)).status, 'SERVING');
    });
  }

  test('without the root and without -k no client goes on', async () => {
    const curled = await shell.run(commands.register);
    assert.deepEqual([curled.code, /certificate/i.test(curled.stderr)], [60, true], curled.stderr);
  });

  describe('a collector’s first hour', () => {
    let clients: readonly HttpClient[] = [];
    let grpc: GrpcClients;
    let collectors: Readonly<Record<string, Collector>> = {};
    before(async () => {
      clients = [http1Client(edge), await http2Client(edge), await http3Client(edge)];
      grpc = grpcClients(edge);
      const names = ['HTTP/1.1', 'HTTP/2', 'HTTP/3'];
      collectors = {
        ...Object.fromEntries(clients.map((client, index) => [names[index], httpCollector(client, names[index] ?? '')])),
        gRPC: grpcCollector(edge, grpc),
      };
    });
    after(() => {
      for (const client of clients) client.close();
      grpc?.close();
    });

    for (const protocol of ['HTTP/1.1', 'HTTP/2', 'HTTP/3', 'gRPC'])
      test(`works over ${protocol}`, async () => {
        const collector = collectors[protocol] as Collector;
        const email = `${randomUUID()}@example.com`;
        await collector.register(email, 'long enough');
        const { token, refreshToken } = await collector.login(email, 'long enough');
        const key = randomUUID();
        const given = { artist: 'Einstürzende Neubauten', name: 'Halber Mensch', recordGrade: 'near mint' };
        const made = await collector.create(token, given, key);
        assert.equal((await collector.create(token, given, key)).id, made.id, 'the same key is the same record');
        const found = await collector.search(token, 'einsturzende halbr mensch');
        assert.deepEqual([found.total, found.records[0]?.id], [1, made.id]);
        const changed = await collector.change(token, made.id, { notes: 'Poster is missing.' });
        assert.deepEqual(await collector.get(token, made.id), changed);
        await collector.remove(token, made.id);
        await assert.rejects(collector.get(token, made.id), (error) => error instanceof Refused && error.reason === 'NOT_FOUND');
        await collector.logout(refreshToken);
        assert.equal(await collector.isValid(token), false);
      });

    test('a wrong path is problem+json of the edge, and nobody’s forged headers reach Envoy', async () => {
      const client = clients[1] as HttpClient;
      const nowhere = await client.send({ method: 'GET', path: '/api/cassettes' });
      assert.deepEqual([nowhere.status, nowhere.body.code], [404, 'ROUTE_NOT_FOUND']);
      const forged = { 'x-envoy-max-retries': '9', 'knative-serving-tag': 'canary', 'k-network-probe': 'queue' };
      assert.equal((await client.send({ method: 'GET', path: '/api/records/healthz', headers: forged })).status, 200);
    });
  });
});
