import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { dirname, resolve } from 'node:path';
import { meets, type Ratio, type Ratios } from './ratios.ts';

/** What a bench writes: every figure with its goal, what it is held against, and every measurement behind it. */
export interface Report {
  readonly measuredAt: string;
  readonly machine: { readonly cores: number; readonly model: string | undefined; readonly memoryGib: number; readonly node: string };
  readonly ratios: Ratios;
}

/** A line a figure, on stdout. */
export function printRatios(ratios: Ratios): void {
  for (const [name, ratio] of Object.entries<Ratio>(ratios)) {
    const figure = `${ratio.value}${ratio.unit === undefined ? '' : ` ${ratio.unit}`}`;
    process.stdout.write(
      `${meets(ratio) ? 'ok    ' : 'MISSED'} ${name.padEnd(22)} ${figure.padEnd(12)} goal ${ratio.goal.padEnd(8)} ${ratio.peer}\n`,
    );
  }
}

/** Writes them with the machine, as JSON. */
export function writeRatios(file: string, ratios: Ratios): void {
  mkdirSync(dirname(resolve(file)), { recursive: true });
  const machine = {
    cores: availableParallelism(),
    model: cpus()[0]?.model,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    node: process.version,
  };
  const report: Report = { measuredAt: new Date().toISOString(), machine, ratios };
  writeFileSync(file, `${JSON.stringify(report, null, 1)}\n`);
}
