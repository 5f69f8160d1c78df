import { median } from '../../scripts/bench/ratios.ts';
import type { Figures } from '../../scripts/load/figures.ts';
import type { Backends } from './backends.ts';
import type { Machine, Quiet } from './machine.ts';
import { phaseNames } from './phases.ts';
import { medianPhases, says } from './picture.ts';
import type { Start } from './start.ts';

export interface Starts {
  readonly measuredAt: string;
  readonly machine: Machine;
  readonly starts: readonly Start[];
}

/** A burst as the load's report tells it, and what was looked at beside it. */
export interface Burst {
  readonly name: string;
  readonly figures: Figures;
  readonly backends: Backends;
  /** By Envoy's breakers, while it ran. */
  readonly refusedByBreakers: number;
  readonly quiet: Quiet;
}

export interface Bursts {
  readonly measuredAt: string;
  readonly machine: Machine;
  readonly bursts: readonly Burst[];
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
const whole = (ms: number): string => `${Math.round(ms)} ms`;
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |\n`).join('');

const machineOf = ({ cores, memoryGib, node }: Machine): string => `${cores} cores, ${memoryGib} GiB, Node ${node.slice(1)}`;

/** Medians of each service side by side. The first is the one that the others are held against. */
export function startsTable({ measuredAt, machine, starts }: Starts, services: readonly string[]): string {
  const columns = services.map((service) => starts.filter((start) => start.service === service));
  const of = (name: string, value: (own: readonly Start[]) => string): string[] => [name, ...columns.map(value)];
  const middle = (own: readonly Start[], of: (start: Start) => number | undefined): number => median(own.map((start) => of(start) ?? 0));
  const total = (own: readonly Start[]): number => median(own.map(({ totalMs }) => totalMs));
  const own = (value: number): string => (value === 0 ? '–' : whole(value));
  const busy = median(starts.map(({ quiet }) => quiet.busy));
  return (
    table(
      ['median of', ...services.map((service) => `\`${service}\``)],
      [
        of('starts', (all) => String(all.length)),
        of('**the whole**', (all) => `**${seconds(total(all))}**`),
        of('against Go', (all) => (total(all) / total(columns[0] ?? [])).toFixed(2)),
        of('the worst', (all) => seconds(Math.max(...all.map(({ totalMs }) => totalMs)))),
        ...phaseNames.map((name) => of(says[name], (all) => whole(medianPhases(all)[name]))),
        of('container to listening', (all) => own(middle(all, ({ processMs }) => processMs))),
        of('the first call in the function', (all) => own(middle(all, ({ callMs }) => callMs))),
        of('the second', (all) => own(middle(all, ({ secondCallMs }) => secondCallMs))),
      ],
    ) +
    `\n${measuredAt.slice(0, 10)}, ${machineOf(machine)}; before a start the processors were ${Math.round(100 * busy)} % busy (median).\n`
  );
}

const names: Readonly<Record<string, string>> = {
  'burst-200': '200, one function',
  'burst-2000': '2,000, one function',
  'burst-three-functions': '2,400, three functions',
};

export function burstTable({ measuredAt, machine, bursts }: Bursts): string {
  const rows = table(
    ['at once', 'failed', 'refused by Envoy', 'p50', 'p99', 'longest', 'pods wanted', 'backends, the most', 'looked'],
    bursts.map(({ name, figures, backends, refusedByBreakers }) => [
      names[name] ?? name,
      String(figures.totals.failed),
      String(refusedByBreakers),
      seconds(figures.latency.p50),
      seconds(figures.latency.p99),
      seconds(figures.latency.max),
      figures.pods.map(({ points }) => Math.max(...points.map(({ desired }) => desired))).join(' + '),
      Object.entries(backends.mostOf)
        .map(([role, most]) => `${role} ${most}`)
        .join(', '),
      `${backends.samples} times`,
    ]),
  );
  return `${rows}\n${measuredAt.slice(0, 10)}, ${machineOf(machine)}.\n`;
}
