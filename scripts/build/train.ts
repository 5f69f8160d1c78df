/**
 * The training run of a bundle: `node scripts/build/train.ts <folder>`. Starts the function as it was built, asks it once
 * in each protocol, and keeps what V8 compiled meanwhile beside each file, as FILE.cache. Tells its parent which files
 * were loaded before the first answer.
 */
import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import type { Script } from 'node:vm';
import type { Field, HttpRule, Rpc, Shape } from '../../functions/runtime/contract.ts';
import type { AnyFunction } from '../../functions/runtime/define-function.ts';
import { framed } from '../../functions/runtime/grpc-message.ts';
import type { Running, serve } from '../../functions/runtime/serve.ts';
import type { Settings } from '../../functions/runtime/settings.ts';
import { startTrainingDatabase } from './training-database.ts';
import { undone } from './training-flags.ts';

const folder = resolve(process.argv[2] ?? '.');
const issuer = 'https://training.invalid';
const password = 'training';

interface Main {
  readonly definition: AnyFunction;
  readonly serve: typeof serve;
}
const bundle = createRequire(join(folder, 'load.js'))('./load.js') as { load(id: string): Main; scripts: Map<string, Script> };

/** A value that a setting takes: secrets are 32 zero bytes. */
function valueFor(setting: Settings[string]): string | undefined {
  if (setting.fallback !== undefined) return undefined;
  for (const value of ['1', 'true', Buffer.alloc(32).toString('base64'), 'http://127.0.0.1:1']) {
    try {
      setting.parse(value);
      return value;
    } catch {
      // the next one
    }
  }
  throw new Error(`the training run has no value that ${setting.variable} takes: add one to scripts/build/train.ts`);
}

/** A key pair as auth.verification_keys() publishes it, and an access token that it verifies. */
function makeIdentity() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const iat = Math.floor(Date.now() / 1000);
  const claims = { iss: issuer, aud: 'record-platform', sub: randomUUID(), sid: randomUUID(), jti: randomUUID(), iat, exp: iat + 600 };
  const signed = `${part({ alg: 'ES256', typ: 'at+jwt', kid: 'training' })}.${part(claims)}`;
  const signature = sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url');
  return { token: `${signed}.${signature}`, keyRow: { jwk: { ...publicKey.export({ format: 'jwk' }), kid: 'training', alg: 'ES256' } } };
}

/** Takes every export, and keeps only which services were called. */
async function startCollector() {
  const sessions = new Set<http2.ServerHttp2Session>();
  const called = new Set<string>();
  const server = http2.createServer();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream: http2.ServerHttp2Stream, headers) => {
    called.add(headers[':path'] ?? '');
    stream.resume();
    stream.on('error', () => {});
    stream.respond({ ':status': 200, 'content-type': 'application/grpc+proto' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(Buffer.alloc(5));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    called,
    stop: () => {
      for (const session of sessions) session.destroy();
      server.close();
    },
  };
}

const getHttp1 = (port: number, path: string): Promise<number> =>
  new Promise((resolve, reject) => {
    http
      .get({ port, host: '127.0.0.1', path, agent: false }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode ?? 0));
      })
      .on('error', reject);
  });

const ask = (session: http2.ClientHttp2Session, headers: http2.OutgoingHttpHeaders, body?: Uint8Array): Promise<number> =>
  new Promise((resolve, reject) => {
    const stream = session.request(headers, { endStream: body === undefined });
    let status = 0;
    stream.on('response', (answer) => {
      status = Number(answer[':status']);
    });
    stream
      .resume()
      .on('end', () => resolve(status))
      .on('error', reject);
    if (body !== undefined) stream.end(body);
  });

const examplePath = (rule: HttpRule): string => rule.path.replace(/\{[^}]+\}/g, () => randomUUID());

const exampleText: Record<string, string> = {
  uuid: randomUUID(),
  email: 'training@example.invalid',
  date: '2000-01-01',
  'date-time': '2000-01-01T00:00:00Z',
  decimal: '1.00',
  currency: 'EUR',
};

/** What a client must send, and inside of that the texts and flags. "M" is a name as good as a grade. */
function exampleOf(shape: Shape, inside = false): Record<string, unknown> {
  const value = (field: Field): unknown =>
    field.kind === 'message'
      ? field.message && exampleOf(field.message(), true)
      : field.kind === 'bool' || (exampleText[field.format ?? ''] ?? (inside ? 'M' : 'training text'));
  const given = shape.fields.filter(({ kind, required, outputOnly, caller, header, repeated }) =>
    inside ? (kind === 'string' || kind === 'bool') && !outputOnly && !caller && !header && !repeated : required,
  );
  return Object.fromEntries(given.map((field) => [field.json, value(field)]));
}

/** The body of one HTTP face: the whole request, or the field that the rule names. */
function exampleBody(rpc: Rpc, rule: HttpRule): Buffer | undefined {
  if (rule.body === undefined) return undefined;
  const field = rpc.request.fields.find(({ name }) => name === rule.body);
  if (field?.kind === 'bytes') return Buffer.from('training text');
  const named = field?.message;
  return Buffer.from(JSON.stringify(named === undefined ? exampleOf(rpc.request) : exampleOf(named(), true)));
}

async function exampleMessage(rpc: Rpc): Promise<Buffer> {
  const { request } = await rpc.codecs();
  const { fromPartial } = request as unknown as { fromPartial(part: object): object };
  return framed(request.encode(fromPartial(exampleOf(rpc.request))).finish());
}

/** @returns the files that were loaded before the rpc's first JSON answer. */
async function askEverything(running: Running, rpc: Rpc, token: string): Promise<string[]> {
  const session = http2.connect(`http://127.0.0.1:${running.port}`);
  try {
    const authorization = `Bearer ${token}`;
    const file = rpc.request.fields.find(({ header }) => header === 'content-type')?.mediaTypes?.find((type) => type !== '');
    for (const rule of rpc.http) {
      const headers = { ':method': rule.method, ':path': examplePath(rule), authorization, 'content-type': file ?? 'application/json' };
      const status = await ask(session, headers, exampleBody(rpc, rule));
      if (status === 401 && rpc.access === 'CALLER')
        throw new Error('the training token was refused, so that nothing behind it was trained');
    }
    const loadedFirst = [...bundle.scripts.keys()];
    await getHttp1(running.port, '/livez');
    await ask(session, { ':path': '/nowhere' });
    const grpc = { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers', authorization };
    await ask(session, { ...grpc, ':path': rpc.path }, await exampleMessage(rpc));
    await ask(session, { ...grpc, ':path': '/grpc.health.v1.Health/Check' }, framed(new Uint8Array()));
    const listServices = framed(Buffer.from([0x3a, 1, 0x2a])); // field 7: "*"
    await ask(session, { ...grpc, ':path': '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo' }, listServices);
    return loadedFirst;
  } finally {
    session.close();
  }
}

// What waits for a second or more never comes here: whether it would depends on how busy this machine is, and the same sources should
// give the same compiled code.
const { setTimeout } = globalThis;
const patient = (work: () => void, ms = 0, ...rest: []) => setTimeout(work, ms >= 1000 ? 2 ** 31 - 1 : ms, ...rest);
globalThis.setTimeout = Object.assign(patient, setTimeout);

const { definition, serve: start } = bundle.load('./main.js');
const { token, keyRow } = makeIdentity();
const database = await startTrainingDatabase(password, (statement) => (statement.includes('verification_keys') ? [keyRow] : []));
const collector = await startCollector();
const running = await start(definition, {
  ...Object.fromEntries(Object.values((definition.settings ?? {}) as Settings).map((setting) => [setting.variable, valueFor(setting)])),
  PORT: '0',
  HOST: '127.0.0.1',
  DATABASE_URL: `postgres://training:${password}@127.0.0.1:${database.port}/training`,
  TOKEN_ISSUER: issuer,
  OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.port}`,
});
const loadedFirst = await askEverything(running, definition.rpc, token);
await running.stop();
database.stop();
collector.stop();
if (collector.called.size < 2) throw new Error('traces and metrics were not both exported, so that the exporter was not trained');

for (const flag of undone) setFlagsFromString(flag);
for (const [id, script] of bundle.scripts) writeFileSync(join(folder, `${id}.cache`), script.createCachedData());
const end = () => process.exit(0);
if (process.send === undefined) end();
else process.send(loadedFirst, end);
