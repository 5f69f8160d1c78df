import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import postgres from 'postgres';
import { csvCell } from '../../../functions/records/csv-cells.ts';
import { build } from '../../build/build.ts';
import { findFunctions } from '../../build/functions.ts';
import { endMs } from '../../db/seed/accounts.ts';
import { copyOf } from '../../db/seed/copies.ts';
import { Random } from '../../db/seed/random.ts';
import { columns, type Row } from '../../demo/collection.ts';
import { ensureSigningKey } from '../../keys/signing-keys.ts';
import { startCaddy } from '../../stack/caddy.ts';
import { startFunction } from '../../stack/functions.ts';
import { freePort, type Part } from '../../stack/part.ts';
import { median, type Ratio, rounded } from '../ratios.ts';
import type { Store } from './store.ts';

interface Import {
  readonly rows: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly rowsPerSecond: number;
}

/** A collection as Discogs exports it: `rows` copies of as many releases, none of which another file has. */
function collection(rows: number, first: number): Buffer {
  const lines = [columns.map((column) => csvCell(column)).join(',')];
  for (let index = 0; index < rows; index++) {
    const random = new Random(41, first + index);
    const copy = copyOf(1000 + first + index, random, endMs);
    const row: Row = {
      'Catalog#': copy.catalog_number ?? '',
      Artist: copy.artist,
      Title: copy.name,
      Label: copy.label ?? '',
      Format: copy.format ?? '',
      Rating: String(copy.rating ?? ''),
      Released: String(copy.release_year ?? ''),
      release_id: String(copy.discogs_release_id ?? ''),
      CollectionFolder: copy.collection_folder ?? '',
      'Date Added': copy.added_at?.slice(0, 19).replace('T', ' ') ?? '',
      'Collection Media Condition': copy.given_grade ?? '',
      'Collection Sleeve Condition': copy.sleeve_grade ?? '',
      'Collection Notes': copy.notes ?? '',
    };
    lines.push(columns.map((column) => csvCell(row[column])).join(','));
  }
  return Buffer.from(`${lines.join('\n')}\n`);
}

/**
 * Whole collections through the public API: the edge with TLS, the function's bundle as production runs it, PgBouncer, and PostgreSQL with
 * 1.13 million records before them. Each by a new account. The function's answer is read to its end, and the rows are counted.
 */
export async function benchImport(
  store: Store,
  options: { readonly rows: number; readonly files: number; readonly onProgress: (what: string) => void },
): Promise<Record<string, Ratio>> {
  const { rows, files, onProgress } = options;
  onProgress('import_rows_s: building');
  await build();
  const admin = postgres(store.url('skewed', 'postgres'), { max: 1, fetch_types: false, onnotice: () => {} });
  const parts: Part[] = [];
  const accounts: string[] = [];
  try {
    // The key of an earlier run is sealed under what nobody has any more.
    await admin`delete from auth.signing_keys`;
    const keyEncryptionKey = randomBytes(32);
    await ensureSigningKey({ url: store.url('skewed', 'postgres'), keyEncryptionKey });
    const edge = await startEdge(store, keyEncryptionKey, parts);
    const raw: Import[] = [];
    for (let file = 0; file < files; file++) {
      onProgress(`import_rows_s: collection ${file + 1} of ${files}`);
      const email = `import-${randomBytes(6).toString('hex')}@seed.example`;
      const registered = JSON.parse(
        await edge(
          '/api/auth/register',
          'application/json',
          Buffer.from(JSON.stringify({ email, password: randomBytes(12).toString('hex') })),
        ),
      );
      accounts.push(registered.user.id);
      const body = collection(rows, file * rows);
      const started = performance.now();
      const answer = await edge('/api/records:import', 'text/csv', body, registered.token);
      const seconds = (performance.now() - started) / 1000;
      const totals = JSON.parse(answer.trim().split('\n').at(-1) ?? '{}').totals;
      const [counted] = await admin<{ rows: number }[]>`
        select count(*)::int as rows from records.records where user_id = ${registered.user.id as string}`;
      if (totals?.created !== rows || counted?.rows !== rows)
        throw new Error(`Of ${rows} rows ${counted?.rows} are there: ${JSON.stringify(totals)} ${answer.slice(0, 500)}`);
      raw.push({ rows, bytes: body.length, seconds: rounded(seconds), rowsPerSecond: rounded(rows / seconds, 0) });
    }
    return {
      import_rows_s: {
        value: median(raw.map(({ rowsPerSecond }) => rowsPerSecond)),
        unit: 'rows/s',
        goal: '>=5000',
        peer: `${files} collections of ${rows} rows over HTTP through the edge, each on a new account of the database with all its indexes`,
        raw,
      },
    };
  } finally {
    for (const part of parts.reverse()) await part.stop();
    for (const id of accounts) {
      await admin`delete from records.records where user_id = ${id}`;
      await admin`delete from records.words where user_id = ${id}`;
      await admin`delete from auth.accounts where id = ${id}`;
    }
    await admin.end({ timeout: 5 });
  }
}

/** Starts what an import passes. @returns what sends a body and gives the answer's */
async function startEdge(store: Store, keyEncryptionKey: Buffer, parts: Part[]) {
  const edgePort = await freePort();
  const common = { TOKEN_ISSUER: `https://record.local:${edgePort}`, PAGE_TOKEN_KEY: randomBytes(32).toString('base64') };
  const addresses: Record<string, string> = {};
  for (const [name, role] of [
    ['auth-register', 'auth_app'],
    ['records-import-records', 'record_app'],
  ] as const) {
    const part = await startFunction({
      name,
      folder: store.folder,
      port: await freePort(),
      dist: resolve('dist'),
      environment: {
        ...common,
        DATABASE_URL: store.url('skewed', role, 'pgbouncer'),
        KEY_ENCRYPTION_KEY: keyEncryptionKey.toString('base64'),
        REFRESH_TOKEN_KEY: randomBytes(32).toString('base64'),
      },
    });
    parts.push(part);
    addresses[name] = `127.0.0.1:${part.port}`;
  }
  const upstreams = Object.fromEntries(findFunctions(resolve('.')).map(({ name }) => [name, addresses[name] ?? '127.0.0.1:9']));
  const caddy = await startCaddy({ folder: store.folder, port: edgePort, upstreams });
  parts.push(caddy);
  const ca = readFileSync(join(store.folder, 'ca/root.crt'));
  return async (path: string, type: string, body: Buffer, token?: string): Promise<string> => {
    const call = request({
      host: '127.0.0.1',
      port: edgePort,
      servername: 'record.local',
      method: 'POST',
      path,
      ca,
      headers: {
        host: `record.local:${edgePort}`,
        'content-type': type,
        'content-length': body.length,
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
    });
    call.end(body);
    const [response] = (await once(call, 'response')) as [IncomingMessage];
    const answer = await text(response);
    if ((response.statusCode ?? 0) >= 300) throw new Error(`${path} answered ${response.statusCode}: ${answer.slice(0, 1000)}`);
    return answer;
  };
}
