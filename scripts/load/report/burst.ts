import type { Figures } from '../figures.ts';
import type { Panel } from './panels.ts';
import { latencyLabel, line, linear, n, path, rect, roundUp, text } from './svg.ts';

/** Columns over the whole time that the answers took. */
const binsWanted = 60;

/** Of a burst, the time in which its answers came: seconds from the beginning of the run. */
export function answersSpan({ points }: Figures): { from: number; until: number } {
  const from = Math.min(...points.map(([due]) => due)) / 1000;
  const last = Math.max(...points.map(([due, latency]) => due + latency)) / 1000;
  return { from, until: from + Math.max(0.2, (last - from) * 1.1) };
}

/** How many answers came when, and how many had come by then. */
export function answersPanels(figures: Figures): Panel[] {
  const { points, latency } = figures;
  const { from, until } = answersSpan(figures);
  const width = (until - from) / binsWanted;
  const bins = Array.from({ length: binsWanted }, () => ({ good: 0, failed: 0 }));
  for (const [due, ms, failed] of points) {
    const bin = bins[Math.min(binsWanted - 1, Math.floor(((due + ms) / 1000 - from) / width))];
    if (bin !== undefined) bin[failed === 1 ? 'failed' : 'good'] += 1;
  }
  const most = roundUp(Math.max(1, ...bins.map(({ good, failed }) => good + failed)));
  const ends = points.map(([due, ms]) => (due + ms) / 1000).sort((a, b) => a - b);
  return [
    {
      title: 'Answers',
      note: [
        [`■ in each ${latencyLabel(width * 1000)}`, 'blue'],
        ...(points.some(([, , failed]) => failed === 1) ? [['■ failed', 'red'] as const] : []),
      ],
      height: 150,
      draw: (area, x) => {
        const y = linear(0, most, area.bottom, area.top);
        return [
          ...[0, most / 2, most].map(
            (value) =>
              line(area.left, y(value), area.right, y(value), 'grid') + text(area.left - 8, y(value) + 4, String(value), 'tick end'),
          ),
          ...bins.map(({ good, failed }, index) => {
            const left = x(from + index * width) + 1;
            const across = x(width) - x(0) - 2;
            return (
              rect(left, y(good), across, area.bottom - y(good), 'bar') +
              (failed > 0 ? rect(left, y(good + failed), across, y(good) - y(good + failed), 'failed') : '')
            );
          }),
        ].join('');
      },
    },
    {
      title: 'Answered so far',
      note: [['the share of all requests', 'quiet']],
      height: 150,
      draw: (area, x) => {
        const y = linear(0, 1, area.bottom, area.top);
        const curve = [[x(from), y(0)] as const, ...ends.map((at, index) => [x(at), y((index + 1) / ends.length)] as const)];
        const stops = [
          ['p50', latency.p50, 0.5, -8, -6, 'label end'],
          ['p95', latency.p95, 0.95, 8, 18, 'label'],
          ['last', latency.max, 1, 8, 2, 'label'],
        ] as const;
        return [
          ...[0, 0.5, 1].map(
            (share) =>
              line(area.left, y(share), area.right, y(share), 'grid') + text(area.left - 8, y(share) + 4, `${share * 100} %`, 'tick end'),
          ),
          `<path class="rate" d="${path(curve)}"/>`,
          ...stops.map(([name, ms, share, aside, below, anchor]) => {
            const at = x(from + ms / 1000);
            return `<circle class="stop" cx="${n(at)}" cy="${n(y(share))}" r="4"/>${text(at + aside, y(share) + below, `${name} ${latencyLabel(ms)}`, anchor)}`;
          }),
        ].join('');
      },
    },
  ];
}
