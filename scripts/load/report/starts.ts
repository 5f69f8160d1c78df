import type { ColdStart } from '../figures.ts';
import { margin, width } from './panels.ts';
import { latencyLabel, line, linear, rect, roundUp, text } from './svg.ts';

const rowHeight = 26;
const top = 16;

/** What the first request of a start waited for, in ms from when it was due. */
interface Phases {
  readonly start: ColdStart;
  readonly wanted: number;
  readonly ready: number;
  readonly answered: number;
}

/** Each cold start from the first request's point of view, one bar each: no pod is wanted yet, it starts, it answers. */
export function startsFigure(coldStarts: readonly ColdStart[]): string {
  const bars = coldStarts.flatMap((start): Phases[] => {
    if (start.firstRequest === undefined) return [];
    const { at, latencyMs } = start.firstRequest;
    // The watch tells of a pod a moment after it was so: what it says is held between the request and its answer.
    const within = (seconds: number): number => Math.min(latencyMs, Math.max(0, (seconds - at) * 1000));
    const ready = within(start.readyAt);
    return [{ start, wanted: Math.min(ready, within(start.wantedAt ?? start.readyAt)), ready, answered: latencyMs }];
  });
  if (bars.length === 0) return '';
  const most = roundUp(Math.max(...bars.map(({ answered }) => answered)));
  const x = linear(0, most, margin.left, width - margin.right - 30);
  const bottom = top + bars.length * rowHeight;
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => share * most);
  const parts = [
    ...ticks.map((ms) => line(x(ms), top - 4, x(ms), bottom, 'grid') + text(x(ms), bottom + 16, latencyLabel(ms), 'tick middle')),
    ...bars.map(({ start, wanted, ready, answered }, index) => {
      const y = top + index * rowHeight + 5;
      return [
        text(margin.left - 12, y + 12, start.functionName, 'name end'),
        rect(x(0), y, x(wanted) - x(0), 16, 'phase-wait'),
        rect(x(wanted), y, x(ready) - x(wanted), 16, 'phase-start'),
        rect(x(ready), y, x(answered) - x(ready), 16, 'phase-answer'),
        text(x(answered) + 6, y + 12, latencyLabel(answered), 'label'),
      ].join('');
    }),
  ];
  return `<svg viewBox="0 0 ${width} ${bottom + 26}" role="img" aria-label="Cold starts, part by part">${parts.join('')}</svg>`;
}
