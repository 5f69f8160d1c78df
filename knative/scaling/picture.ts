import { median } from '../../scripts/bench/ratios.ts';
import type { Figures } from '../../scripts/load/figures.ts';
import { figure } from '../../scripts/load/report/figure.ts';
import { latencyPanel, podsPanel, ratePanel, width } from '../../scripts/load/report/panels.ts';
import { standalone } from '../../scripts/load/report/standalone.ts';
import { latencyLabel, line, linear, rect, roundUp, text } from '../../scripts/load/report/svg.ts';
import { type Phases, phaseNames } from './phases.ts';
import type { Start } from './start.ts';

/** A load over time with its pods, as the load's own page draws it, as a file of its own. */
export function loadPicture(figures: Figures): string {
  const last = figures.pods.flatMap(({ points }) => points.map(({ at }) => at));
  const until = Math.ceil(Math.max(figures.perSecond.findLastIndex(({ sent }) => sent > 0) + 1, ...last));
  const panels = [ratePanel(figures), latencyPanel(figures), ...podsPanel(figures, until)];
  return standalone(figure(panels, figures.marks, until, `${figures.scenario}: rate, latency and pods over time`), ownStyle);
}

const left = 190;
const rowHeight = 78;
const barHeight = 22;
const legendHeight = 34;
const dotsHeight = 26;

/** For each service: every start as a dot on the scale of time, and below them what the median one waits for, part by part. */
export function startsPicture(starts: readonly Start[], services: readonly string[]): string {
  const most = roundUp(Math.max(...starts.map(({ totalMs }) => totalMs)));
  const x = linear(0, most, left, width - 70);
  const bottom = legendHeight + services.length * rowHeight;
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => share * most);
  const rows = services.map((service, index) => {
    const own = starts.filter((start) => start.service === service);
    const y = legendHeight + index * rowHeight + 10;
    const phases = medianPhases(own);
    let at = 0;
    const parts = phaseNames.map((name) => {
      const from = at;
      at += phases[name];
      return rect(x(from), y + dotsHeight, x(at) - x(from), barHeight, `phase-${name}`);
    });
    const dots = own.map(({ totalMs }) => `<circle class="dot" cx="${x(totalMs).toFixed(1)}" cy="${y + 10}" r="3.5"/>`);
    const middle = median(own.map(({ totalMs }) => totalMs));
    return [
      text(left - 12, y + 14, service, 'name end'),
      text(left - 12, y + dotsHeight + 15, `median ${latencyLabel(middle)}`, 'tick end'),
      ...dots,
      line(x(middle), y, x(middle), y + 20, 'middle-mark'),
      ...parts,
    ].join('');
  });
  let legendAt = left;
  const legend = phaseNames.map((name) => {
    const box = rect(legendAt, 4, 12, 12, `phase-${name}`) + text(legendAt + 17, 14, says[name], 'tick');
    legendAt += 34 + says[name].length * 6.4;
    return box;
  });
  const grid = ticks.map(
    (ms) => line(x(ms), legendHeight, x(ms), bottom, 'grid') + text(x(ms), bottom + 18, latencyLabel(ms), 'tick middle'),
  );
  const label = 'Starts from zero: each one, and the phases of the median';
  return standalone(
    `<svg viewBox="0 0 ${width} ${bottom + 28}" role="img" aria-label="${label}">${[...grid, ...legend, ...rows].join('')}</svg>`,
    ownStyle,
  );
}

export const says: Readonly<Record<keyof Phases, string>> = {
  autoscaler: 'until there is a pod',
  scheduling: 'scheduling',
  sandbox: 'sandbox',
  containers: 'containers',
  process: 'process',
  answer: 'first response',
};

/** Each phase's own median. Their sum is near the median of the whole, and not the same. */
export const medianPhases = (starts: readonly Start[]): Phases =>
  Object.fromEntries(phaseNames.map((name) => [name, median(starts.map(({ phases }) => phases?.[name] ?? 0))])) as unknown as Phases;

const ownStyle = `
.phase-autoscaler { fill: #8794a8; }
.phase-scheduling { fill: #b3bdcc; }
.phase-sandbox { fill: #2563c9; }
.phase-containers { fill: #6ba4ff; }
.phase-process { fill: #d97b06; }
.phase-answer { fill: #12866b; }
.middle-mark { stroke: var(--ink); stroke-width: 2; }
`;
