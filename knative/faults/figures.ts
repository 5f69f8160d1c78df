import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { stackSettings } from '../../scripts/stack/state.ts';
import type { Seen } from './steady-load.ts';

const figuresFile = () => join(stackSettings().folder, 'faults/figures.json');

/** Prints what was seen, and keeps it (faults/figures.json in the state folder) for whoever writes a report. */
export function keepFigures(
  t: TestContext,
  name: string,
  capacity: number,
  seen: Seen,
  more: Readonly<Record<string, unknown>> = {},
): void {
  const { parts, latencyMs } = seen;
  t.diagnostic(
    `${seen.requests} requests in ${seen.seconds} s at ${seen.rate}/s (${Math.round((100 * seen.rate) / capacity)} % of ${Math.round(capacity)}/s), ` +
      `${seen.failed} failed, ${seen.dropped} not sent; REST ${parts.rest.requests}, gRPC ${parts.grpc.requests}`,
  );
  t.diagnostic(
    `p50 ${latencyMs.p50} ms, p99 ${latencyMs.p99} ms, longest ${latencyMs.longest} ms (due at ${seen.slowestAt} s); ` +
      `longest without a right answer: REST ${parts.rest.gapMs} ms, gRPC ${parts.grpc.gapMs} ms`,
  );
  for (const [reason, count] of Object.entries(seen.reasons)) t.diagnostic(`failed ${count} × ${reason}`);
  if (Object.keys(seen.steps).length > 0) t.diagnostic(`steps: ${JSON.stringify(seen.steps)} s`);
  if (seen.failed > 0) t.diagnostic(`due at ${seen.failedAt.slice(0, 20).join(', ')} s`);
  for (const [what, value] of Object.entries(more)) t.diagnostic(`${what}: ${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const file = figuresFile();
  const kept = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  mkdirSync(dirname(file), { recursive: true });
  const now = { at: new Date().toISOString(), capacity: Math.round(capacity), loadAverage: loadavg()[0], ...seen, ...more };
  writeFileSync(file, `${JSON.stringify({ ...kept, [name]: now }, null, 2)}\n`);
}
