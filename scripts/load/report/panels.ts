import type { Figures, Scaling } from '../figures.ts';
import { type Area, latencyLabel, line, linear, logarithmic, n, path, rect, roundUp, type Scale, stepPath, text } from './svg.ts';

/** All drawings are so wide; the page scales them. */
export const width = 1160;
/** Room at the left for names and ticks, at the right for names of lines. */
export const margin = { left: 170, right: 56 } as const;

/** A panel of a figure, drawn into an area; all of a figure share the scale of time. */
export interface Panel {
  readonly title: string;
  /** What its marks mean, each part in the colour of a class. */
  readonly note: readonly (readonly [says: string, name: string])[];
  readonly height: number;
  readonly draw: (area: Area, x: Scale) => string;
}

/** Above this many columns, seconds are put together. */
const columnsMax = 300;
/** Up to so many requests each is a dot. */
const dotsMax = 400;

/** Requests a second as they were sent, what was asked for, and what failed. */
export function ratePanel({ perSecond }: Figures): Panel {
  const most = roundUp(1.02 * Math.max(1, ...perSecond.map(({ sent, planned }) => Math.max(sent, planned))));
  const last = perSecond.findLastIndex(({ sent, planned }) => sent > 0 || planned > 0) + 1;
  return {
    title: 'Requests per second',
    note: [
      ['— sent', 'blue'],
      ['- - asked for', 'quiet'],
      ['▪ failed', 'red'],
    ],
    height: 110,
    draw: (area, x) => {
      const y = linear(0, most, area.bottom, area.top);
      const steps = perSecond.slice(0, last).map(({ at, sent }) => [x(at), y(sent)] as const);
      const end = x(last);
      return [
        ...[0, most / 2, most].map(
          (value) => line(area.left, y(value), area.right, y(value), 'grid') + text(area.left - 8, y(value) + 4, String(value), 'tick end'),
        ),
        `<path class="rate-fill" d="${stepPath(steps, end)}V${n(area.bottom)}H${n(x(0))}Z"/>`,
        `<path class="rate" d="${stepPath(steps, end)}"/>`,
        `<path class="planned" d="${path(perSecond.map(({ at, planned }) => (planned > 0 ? [x(at + 0.5), y(planned)] : undefined)))}"/>`,
        ...perSecond
          .filter(({ failed }) => failed > 0)
          .map(({ at, failed }) =>
            rect(x(at), Math.min(y(failed), area.bottom - 4), Math.max(2, x(1) - x(0)), Math.max(4, area.bottom - y(failed)), 'failed'),
          ),
      ].join('');
    },
  };
}

/** How long requests took, over time: where most were is darkest. */
export function latencyPanel(figures: Figures): Panel {
  const { perSecond, rows, points, coldStarts, latency } = figures;
  const used = rows.map((_, row) => perSecond.some(({ heat }) => (heat[row] ?? 0) > 0));
  const lowest = Math.max(0.5, rows[used.indexOf(true)] ?? 0.5);
  const highest = rows[used.lastIndexOf(true) + 1] ?? (latency.max || 1);
  const [from, to] = decades(lowest, Math.max(highest, lowest * 2.5));
  const dots = points.length > 0 && points.length <= dotsMax;
  return {
    title: 'Latency',
    note: [
      [dots ? '● a request' : '■ stronger: more requests', 'blue'],
      ...(dots ? [] : [['lines: p50, p95, p99', 'ink'] as const]),
      ...(coldStarts.length > 0 ? [['◆ a first request that waited for a pod', 'amber'] as const] : []),
    ],
    height: 230,
    draw: (area, x) => {
      const y = logarithmic(from, to, area.bottom, area.top);
      return [
        ...latencyTicks(from, to).map(
          (ms) => line(area.left, y(ms), area.right, y(ms), 'grid') + text(area.left - 8, y(ms) + 4, latencyLabel(ms), 'tick end'),
        ),
        ...(dots
          ? points.map(
              ([due, ms, failed]) =>
                `<circle class="${failed === 1 ? 'failed' : 'dot'}" cx="${n(x(due / 1000))}" cy="${n(y(ms))}" r="3.5"/>`,
            )
          : [heatCells(figures, x, y), percentileLines(figures, area, x, y)]),
        ...coldStarts.flatMap(({ firstRequest }) =>
          firstRequest === undefined ? [] : [diamond(x(firstRequest.at), y(firstRequest.latencyMs))],
        ),
      ].join('');
    },
  };
}

export const diamond = (x: number, y: number): string =>
  `<path class="cold" d="M${n(x)} ${n(y - 6)}L${n(x + 6)} ${n(y)}L${n(x)} ${n(y + 6)}L${n(x - 6)} ${n(y)}Z"/>`;

function heatCells({ perSecond, rows }: Figures, x: Scale, y: Scale): string {
  const step = Math.ceil(perSecond.length / columnsMax);
  const columns = Array.from({ length: Math.ceil(perSecond.length / step) }, (_, column) => {
    const seconds = perSecond.slice(column * step, (column + 1) * step);
    return rows.map((_, row) => seconds.reduce((sum, { heat }) => sum + (heat[row] ?? 0), 0));
  });
  const most = Math.max(1, ...columns.flat());
  return columns
    .flatMap((counts, column) =>
      counts.map((count, row) => {
        if (count === 0) return '';
        const bottom = y(Math.max(rows[row] ?? 0, 1e-3));
        const top = y(rows[row + 1] ?? (rows[row] as number) * 1.26);
        // The root: a single slow request must be seen beside hundreds of fast ones.
        const strength = Math.round((0.12 + 0.88 * Math.sqrt(count / most)) * 100) / 100;
        return rect(x(column * step), top, x(step) - x(0), bottom - top, 'heat', ` fill-opacity="${strength}"`);
      }),
    )
    .join('');
}

function percentileLines({ perSecond }: Figures, area: Area, x: Scale, y: Scale): string {
  const names = ['p99', 'p95', 'p50'] as const;
  const last = perSecond.findLast(({ sent }) => sent > 0);
  if (last === undefined) return '';
  const labels = names.map((name) => ({ name, y: y(last[name]) }));
  // Names that would lie on one another move apart.
  for (let index = 1; index < labels.length; index += 1) {
    const [above, label] = [labels[index - 1] as (typeof labels)[number], labels[index] as (typeof labels)[number]];
    if (label.y - above.y < 13) label.y = above.y + 13;
  }
  const end = Math.min(area.right, x(last.at + 1));
  return [
    ...names.map((name) => {
      const d = path(perSecond.map((second) => (second.sent > 0 ? [x(second.at + 0.5), y(second[name])] : undefined)));
      return `<path class="halo" d="${d}"/><path class="${name}" d="${d}"/>`;
    }),
    ...labels.map((label) => text(end + 6, Math.min(label.y + 4, area.bottom), label.name, `label ${label.name}-label`)),
  ].join('');
}

/** The functions' pods, one lane each. @param until seconds at the right end */
export function podsPanel({ pods }: Figures, until: number): Panel[] {
  const shown = pods.filter(({ points }) => points.some(({ desired, ready }) => desired > 0 || ready > 0));
  return shown.map((scaling, index) => lane(scaling, index === 0 ? 'Pods' : '', until));
}

function lane({ functionName, points: all, flaps, readyMax }: Scaling, title: string, until: number): Panel {
  const points = all.filter(({ at }) => at <= until);
  const most = Math.max(1, ...points.map(({ desired, ready }) => Math.max(desired, ready)));
  return {
    title,
    note: [
      ['■ ready', 'green'],
      ['— wanted by the autoscaler', 'amber'],
    ],
    height: Math.min(64, 20 + 9 * most),
    draw: (area, x) => {
      const y = linear(0, most, area.bottom, area.top + 4);
      const steps = (of: 'desired' | 'ready') => points.map((point) => [x(point.at), y(point[of])] as const);
      const counts = `${readyMax} at most${flaps > 0 ? `, ${flaps} flap${flaps > 1 ? 's' : ''}` : ''}`;
      return [
        line(area.left, area.bottom, area.right, area.bottom, 'base'),
        `<path class="ready-fill" d="${stepPath(steps('ready'), area.right)}V${n(area.bottom)}H${n(x(points[0]?.at ?? 0))}Z"/>`,
        `<path class="wanted" d="${stepPath(steps('desired'), area.right)}"/>`,
        text(area.left - 12, area.bottom - 14, functionName, 'name end'),
        text(area.left - 12, area.bottom - 1, counts, 'tick end'),
      ].join('');
    },
  };
}

/** 1, 2, 5, 10 … around a range. */
export function latencyTicks(from: number, to: number): number[] {
  const decadesOf = Array.from({ length: 8 }, (_, index) => 10 ** (index - 1));
  const factors = to / from > 300 ? [1] : [1, 2, 5];
  return decadesOf.flatMap((decade) => factors.map((factor) => factor * decade)).filter((ms) => ms >= from * 0.99 && ms <= to * 1.01);
}

const decades = (lowest: number, highest: number): [from: number, to: number] => [lowest * 0.9, highest * 1.1];
