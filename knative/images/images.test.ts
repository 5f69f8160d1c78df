import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chownSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import postgres from 'postgres';
import { upstreamVariable } from '../../caddy/routes.ts';
import { findFunctions } from '../../scripts/build/functions.ts';
import { scramVerifier } from '../../scripts/db/scram.ts';
import { accepts, freePort, startPart } from '../../scripts/stack/part.ts';
import { registry, skopeo } from '../../scripts/tools/debian.ts';
import { Remedy, run } from '../../scripts/tools/install.ts';
import { buildImages, type Image } from './build-images.ts';
import { writeLayout } from './oci.ts';
import { push } from './push.ts';
import { functionImage, platformImages } from './specs.ts';
import { type Container, type ContainerOptions, start, type Unpacked, unpack, until } from './testing.ts';

const project = join(import.meta.dirname, '../..');
/** One that asks the database, and one with the native addon. */
const functions = ['records-health-check', 'auth-authenticate'];
const names = [...functions, ...Object.keys(platformImages)];
const key = Buffer.alloc(32, 1).toString('base64');
const password = 'test';

describe('images', { timeout: 240_000 }, () => {
  const base = mkdtempSync(join(tmpdir(), 'images-'));
  const images = new Map<string, Image>();
  const unpacked = new Map<string, Unpacked>();
  const running: Container[] = [];
  const image = (name: string) => images.get(name) as Image;
  const container = async (name: string, options?: ContainerOptions) => {
    const one = await start(unpacked.get(name) as Unpacked, options);
    running.push(one);
    return one;
  };
  /** A folder for a mount that the images' user may write. */
  const folder = (name: string) => {
    mkdirSync(join(base, name), { mode: 0o755 });
    if (process.getuid?.() === 0) chownSync(join(base, name), 10001, 10001);
    return join(base, name);
  };

  before(async () => {
    for (const one of await buildImages(names)) images.set(one.name, one);
    for (const name of names) unpacked.set(name, await unpack(image(name), join(base, name)));
  });
  after(async () => {
    await Promise.all(running.map((one) => one.stop('SIGKILL')));
    rmSync(base, { recursive: true, force: true });
  });

  for (const name of names)
    test(`${name} holds what runs and nothing else`, () => {
      const { rootfs, uid } = unpacked.get(name) as Unpacked;
      assert.equal(uid, 10001);
      const files = readdirSync(rootfs, { recursive: true, withFileTypes: true });
      for (const file of files) {
        const path = join(file.parentPath, file.name).slice(rootfs.length);
        const { mode } = lstatSync(join(rootfs, path));
        assert.equal(mode & 0o6000, 0, `${path} is setuid`);
        if (!file.isSymbolicLink() && path !== '/tmp') assert.equal(mode & 0o002, 0, `${path} can be written by everybody`);
        assert.doesNotMatch(path, /\/(apt|dpkg|npm|npx|busybox|bash|perl|python[\d.]*|curl|wget|su|sudo|\.git|\.env|secrets\.json)$/);
        assert.doesNotMatch(path, /\.(pem|key|p12|test\.[jt]s|map|ts)$/);
        // PostgreSQL's own initdb can't do without one.
        if (name !== 'postgres') assert.doesNotMatch(path, /\/(sh|dash|ash)$/);
      }
    });

  test('skopeo finds each whole, and a copy is the same', async () => {
    const program = [...(await skopeo()), '--insecure-policy', '--tmpdir', base];
    for (const name of names) {
      const { layout, reference, digest } = image(name);
      const source = `oci:${layout}:${reference}`;
      const found = JSON.parse(await run([...program, 'inspect', source], 'Build it again.'));
      assert.equal(found.Digest, digest);
      assert.equal(found.Os + found.Architecture, 'linuxamd64');
      assert.equal(found.Labels['org.opencontainers.image.title'], name);
      assert.equal(found.Labels['org.opencontainers.image.licenses'], 'Apache-2.0');
      const { config } = JSON.parse(await run([...program, 'inspect', '--config', source], 'Build it again.'));
      assert.equal(config.User, '10001:10001');
    }
    const [name = ''] = functions;
    await run([...program, 'copy', `oci:${image(name).layout}:${image(name).reference}`, `oci:${join(base, 'copy')}:again`], '');
    const again = JSON.parse(await run([...program, 'inspect', `oci:${join(base, 'copy')}:again`], ''));
    assert.equal(again.Digest, image(name).digest);
  });

  test('made anew from the same parts, an image is the same to the byte', async () => {
    for (const name of ['pgbouncer', functions[0] as string]) {
      const { digest, reference } = image(name);
      const recipe = await (platformImages[name]?.() ?? functionImage(name));
      const labels = await labelsOf(name);
      const again = await writeLayout(join(base, 'again', name), reference, { ...recipe, labels });
      assert.equal(again.digest, digest);
    }
  });

  test('a function answers with a read-only root, whatever its user, and ends with 0 on SIGTERM', async () => {
    const port = await freePort();
    const one = await container('auth-authenticate', {
      uid: 54_321,
      environment: {
        PORT: String(port),
        KEY_ENCRYPTION_KEY: key,
        REFRESH_TOKEN_KEY: key,
        DATABASE_URL: 'postgres://auth_app:x@127.0.0.1:1/none',
      },
    });
    await until(async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).status === 200, one);
    assert.equal(await one.stop(), 0, one.output());
  });

  test('in its image V8 takes the compiled code of every file, and the native addon loads', async () => {
    for (const name of functions) {
      const script = `
        const { load, scripts } = require('/app/load.js');
        const cached = require('node:fs').readdirSync('/app').filter((file) => file.endsWith('.cache'));
        for (const file of cached) load('./' + file.slice(0, -6));
        for (const [id, script] of scripts) if (script.cachedDataRejected !== (cached.includes(id.slice(2) + '.cache') ? false : undefined)) console.log(id);
        for (const file of require('node:fs').readdirSync('/app')) if (file.endsWith('.node')) require('/app/' + file);
        console.log(cached.length > 4, process.getuid() !== 0);`;
      const { args } = unpacked.get(name) as Unpacked;
      const one = await container(name, { args: [...args.slice(0, -1), '-e', script] });
      assert.equal(await one.exited, 0, one.output());
      assert.equal(one.output(), `true ${process.getuid?.() === 0}\n`);
    }
  });

  test('postgres makes its data once, migrate brings it up to date, and functions reach it through pgbouncer', async () => {
    const [postgresPort, bouncerPort, functionPort] = [await freePort(), await freePort(), await freePort()];
    const data = folder('data');
    const server = `127.0.0.1:${postgresPort}`;
    const admin = `postgres://postgres:secret@${server}/record_platform`;
    const startPostgres = async (environment: Record<string, string>) => {
      const args = [...(unpacked.get('postgres') as Unpacked).args, '-c', `port=${postgresPort}`];
      const one = await container('postgres', { environment, mounts: { data }, inMemory: ['tmp'], args });
      const sql = postgres(`postgres://postgres:secret@${server}/postgres`, { max: 1, fetch_types: false });
      await until(async () => (await sql`select 1`).length === 1, one, 60);
      await sql.end();
      return one;
    };
    const first = await startPostgres({ POSTGRES_PASSWORD: 'secret' });

    const verifier = scramVerifier(password);
    const environment = {
      ADMIN_DATABASE_URL: admin,
      DATABASE_URL: `postgres://record_migrator:${password}@${server}/record_platform`,
      AUTH_APP_VERIFIER: verifier,
      RECORD_APP_VERIFIER: verifier,
      KEY_ENCRYPTION_KEY: key,
    };
    const migrated = await container('migrate', { environment });
    assert.equal(await migrated.exited, 0, migrated.output());
    assert.match(migrated.output(), /applied 0001_.*made the signing key/s);
    const again = await container('migrate', { environment });
    assert.equal(await again.exited, 0, again.output());
    assert.match(again.output(), /"the database has every migration"/);
    const { KEY_ENCRYPTION_KEY: _, ...incomplete } = environment;
    const refused = await container('migrate', { environment: incomplete });
    assert.equal(await refused.exited, 1);
    assert.match(refused.output(), /KEY_ENCRYPTION_KEY is missing: set it, or KEY_ENCRYPTION_KEY_FILE/);

    // The data outlives its container, and needs no password any more.
    assert.equal(await first.stop('SIGINT'), 0, first.output());
    const second = await startPostgres({});
    const sql = postgres(admin, { max: 1, fetch_types: false });
    const [row] = await sql`select current_setting('shared_preload_libraries') as preloaded, current_setting('data_checksums') as sums,
      (select count(*)::int from pg_catalog.pg_extension where extname in ('pg_trgm', 'unaccent', 'btree_gin', 'btree_gist')) as extensions`;
    await sql.end();
    assert.deepEqual({ ...row }, { preloaded: 'pg_stat_statements', sums: 'on', extensions: 4 });

    const [local, secret] = [folder('local'), folder('secret')];
    writeFileSync(join(local, 'databases.ini'), `listen_port = ${bouncerPort}\n[databases]\n* = host=127.0.0.1 port=${postgresPort}\n`);
    writeFileSync(join(secret, 'userlist.txt'), `"auth_app" "${verifier}"\n"record_app" "${verifier}"\n`);
    const bouncer = await container('pgbouncer', { mounts: { 'etc/pgbouncer/local': local, 'etc/pgbouncer/secret': secret } });
    await until(() => accepts(bouncerPort), bouncer);

    const DATABASE_URL = `postgres://record_app:${password}@127.0.0.1:${bouncerPort}/record_platform`;
    const one = await container('records-health-check', { environment: { PORT: String(functionPort), DATABASE_URL, PAGE_TOKEN_KEY: key } });
    const health = async () =>
      (await fetch(`http://127.0.0.1:${functionPort}/api/records/healthz`)).json() as Promise<{ healthy: boolean }>;
    await until(async () => (await health()).healthy, one);

    assert.equal(await one.stop(), 0, one.output());
    assert.equal(await bouncer.stop(), 0, bouncer.output());
    assert.equal(await second.stop('SIGINT'), 0, second.output());
  });

  test('postgres without a password for its first start says what is missing', async () => {
    const one = await container('postgres', { mounts: { data: folder('empty') }, inMemory: ['tmp'] });
    assert.equal(await one.exited, 1);
    assert.match(one.output(), /POSTGRES_PASSWORD is missing: set it, or POSTGRES_PASSWORD_FILE to a file/);
  });

  test('caddy serves the contract’s page with nothing but its data to write', async () => {
    const port = await freePort();
    const upstreams = Object.fromEntries(findFunctions(project).map(({ name }) => [upstreamVariable(name), '127.0.0.1:1']));
    const one = await container('caddy', {
      environment: { ...upstreams, EDGE_PORT: String(port), HOME: '/data' },
      mounts: { data: folder('edge') },
    });
    const page = () => spawnSync('curl', ['-sk', `https://127.0.0.1:${port}/api/openapi.json`], { encoding: 'utf8' }).stdout;
    await until(async () => JSON.parse(page()).openapi.startsWith('3.1'), one);
    assert.equal(await one.stop(), 0, one.output());
  });

  test('pushed to a registry an image keeps its digest, and is not sent twice', async () => {
    const port = await freePort();
    const target = `127.0.0.1:${port}/team`;
    const config = join(base, 'registry.yml');
    const storage = join(base, 'registry');
    writeFileSync(config, `version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: ${storage}\nhttp:\n  addr: 127.0.0.1:${port}\n`);
    const part = await startPart({
      name: 'registry',
      command: [...(await registry()), 'serve', config],
      environment: { PATH: '/usr/bin:/bin' },
      folder: folder('run'),
      port,
      portSetting: '',
      stopSignal: 'SIGTERM',
      stopWithinMs: 5_000,
      ready: () => accepts(port),
      readyWithinMs: 10_000,
    });
    try {
      const one = image('pgbouncer');
      const pushed = await push(one, target, { plainHttp: true });
      assert.equal(pushed, `${target}/pgbouncer@${one.digest}`);
      assert.equal(await push(one, target, { plainHttp: true }), pushed);
      const found = JSON.parse(
        await run([...(await skopeo()), '--insecure-policy', '--tmpdir', base, 'inspect', '--tls-verify=false', `docker://${pushed}`], ''),
      );
      assert.equal(found.Digest, one.digest);
    } finally {
      await part.stop();
    }
    await assert.rejects(push(image('pgbouncer'), target, { plainHttp: true }), (error) => {
      assert.ok(error instanceof Remedy);
      assert.match(error.message, /pgbouncer was not pushed to 127\.0\.0\.1:\d+\/team.*Is 127\.0\.0\.1:\d+\/team a registry/s);
      return true;
    });
  });

  test('the Dockerfile says the same of each image', async () => {
    const text = readFileSync(join(import.meta.dirname, 'Dockerfile'), 'utf8');
    const stages = new Map(text.split(/^FROM /m).map((stage) => [/ AS (\w+)/.exec(stage)?.[1] ?? '', stage]));
    const shared = stages.get('everything') ?? '';
    for (const [name, recipe] of [['function', await functionImage(functions[0] as string)], ...(await recipes())] as const) {
      const stage = shared + (stages.get(name) ?? '');
      const last = (pattern: RegExp) => [...stage.matchAll(pattern)].at(-1)?.[1];
      assert.deepEqual(JSON.parse(last(/^ENTRYPOINT (.*)$/gm) ?? ''), recipe.entrypoint, name);
      assert.equal(last(/^USER (.*)$/gm), recipe.user);
      assert.equal(last(/^STOPSIGNAL (.*)$/gm) ?? 'SIGTERM', recipe.stopSignal, name);
      assert.equal(last(/^WORKDIR (.*)$/gm) ?? '/', recipe.workingDir ?? '/', name);
      const env = [...stage.matchAll(/^ENV (.*)$/gm)].flatMap(([, line = '']) =>
        line.split(' ').map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)] as const),
      );
      assert.deepEqual(Object.fromEntries(env), recipe.env, name);
    }
  });

  for (const { args, says } of [
    { args: ['nothing'], says: /There is no image nothing\. There are:\n {2}auth-authenticate/ },
    { args: ['--plain-http'], says: /name a registry by --push/ },
    { args: ['-o', 'yaml'], says: /There is no output yaml/ },
    { args: ['--fast'], says: /Unknown option '--fast'/ },
  ])
    test(`npm run images -- ${args.join(' ')} is wrong usage`, () => {
      const { status, stderr } = spawnSync(process.execPath, [join(project, 'scripts/images.ts'), ...args], { encoding: 'utf8' });
      assert.equal(status, 2);
      assert.match(stderr, says);
    });

  const recipes = () => Promise.all(Object.entries(platformImages).map(async ([name, recipe]) => [name, await recipe()] as const));

  /** As they stand in the image: what is compared is the parts. */
  async function labelsOf(name: string): Promise<Record<string, string>> {
    const { layout, reference } = image(name);
    const program = [...(await skopeo()), '--insecure-policy', '--tmpdir', base];
    return JSON.parse(await run([...program, 'inspect', `oci:${layout}:${reference}`], '')).Labels;
  }
});
