import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Figures } from '../../scripts/load/figures.ts';
import { loadPicture, startsPicture } from './picture.ts';
import { resultsFolder } from './results.ts';
import type { Start } from './start.ts';
import { type Bursts, burstTable, startsTable } from './tables.ts';

const root = join(import.meta.dirname, '../..');
const folder = 'docs/scaling';
const page = 'docs/scaling.md';

/** Without what is large and not drawn: single requests, and histograms of functions. */
const slim = (figures: Figures): Figures => ({
  ...figures,
  points: [],
  failures: [],
  functions: figures.functions.map((each) => ({ ...each, histogram: [] })),
});

/** The measurements of the state folder, as small as they are kept. undefined where there is none. */
const results: Readonly<Record<string, () => object | undefined>> = {
  'cold-start.json': () => read(join(resultsFolder(), 'cold-start.json')),
  'burst.json': () => {
    const measured = read(join(resultsFolder(), 'burst.json')) as Bursts | undefined;
    const bursts = measured?.bursts.map((burst) => ({ ...burst, figures: { ...slim(burst.figures), perSecond: [] } }));
    return measured && { ...measured, bursts };
  },
  'ramp.json': () => {
    const figures = read(join(resultsFolder(), 'ramp/report.json')) as Figures | undefined;
    return figures && slim(figures);
  },
};

// biome-ignore lint/suspicious/noExplicitAny: each file has its own form
function read(path: string): any {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
}

/** Everything that follows from the figures in docs/scaling: path → content. */
export function derived(): Map<string, string> {
  const { starts } = read(join(root, folder, 'cold-start.json')) as { starts: Start[] };
  const services = ['go-hello', 'records-get-record', 'auth-authenticate'];
  const tables: Record<string, string> = {
    starts: startsTable(read(join(root, folder, 'cold-start.json')), services),
    bursts: burstTable(read(join(root, folder, 'burst.json'))),
  };
  const text = readFileSync(join(root, page), 'utf8').replaceAll(
    /(<!-- made by knative\/scaling\/publish\.ts: (\w+) -->\n)[\s\S]*?(<!-- end -->)/g,
    (_, begin: string, name: string, end: string) => `${begin}${tables[name]}${end}`,
  );
  return new Map([
    [`${folder}/cold-start.svg`, startsPicture(starts, services)],
    [`${folder}/ramp.svg`, loadPicture(read(join(root, folder, 'ramp.json')))],
    [page, text],
  ]);
}

/** Takes over what was measured, and makes tables and pictures anew. */
function publish(): void {
  mkdirSync(join(root, folder), { recursive: true });
  for (const [name, result] of Object.entries(results)) {
    const measured = result();
    // A figure to a line would make thousands of lines.
    if (measured !== undefined) writeFileSync(join(root, folder, name), `${JSON.stringify(measured)}\n`);
    process.stderr.write(`${name}: ${measured === undefined ? 'nothing was measured, so it stays as it is' : 'taken over'}\n`);
  }
  for (const [path, content] of derived()) writeFileSync(join(root, path), content);
}

if (import.meta.main) publish();
