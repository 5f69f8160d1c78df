/** From a value to its place on the page. */
export type Scale = (value: number) => number;

/** Where a panel's drawing lies, in the SVG's own units. */
export interface Area {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

export const linear =
  (from: number, to: number, start: number, end: number): Scale =>
  (value) =>
    start + ((value - from) / (to - from || 1)) * (end - start);

/** For values that span decades. What is below `from` lies at `start`. */
export const logarithmic =
  (from: number, to: number, start: number, end: number): Scale =>
  (value) =>
    start + (Math.log(Math.max(value, from) / from) / (Math.log(to / from) || 1)) * (end - start);

/** Steps of a time axis, in seconds, that people count in. */
const timeSteps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200];

/** @returns ticks from 0 to the end, at most `most` */
export function timeTicks(seconds: number, most: number): number[] {
  const step = timeSteps.find((each) => seconds / each <= most) ?? 1800;
  return Array.from({ length: Math.floor(seconds / step + 1e-9) + 1 }, (_, index) => Math.round(index * step * 10) / 10);
}

/** "45 s", "2:30" */
export const clock = (seconds: number): string =>
  seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)}:${String(Math.round(seconds % 60)).padStart(2, '0')}`;

/** A round number at or above a value, whose half and quarter are round too. */
export function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1e-9)));
  return (([1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10].find((factor) => factor * power >= value - 1e-9) ?? 10) as number) * power;
}

/** "0.5 ms", "20 ms", "3 s" */
export const latencyLabel = (ms: number): string => (ms >= 1000 ? `${trim(ms / 1000)} s` : `${trim(ms)} ms`);

const trim = (value: number): string => String(Number(value.toPrecision(value >= 100 ? 3 : 2)));

export const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** Places to a tenth: the picture needs no more, and the file stays small. */
export const n = (value: number): string => String(Math.round(value * 10) / 10);

/** A line through points, broken where there is none. */
export const path = (points: readonly (readonly [x: number, y: number] | undefined)[]): string => {
  let pen = 'M';
  return points
    .map((point) => {
      if (point === undefined) {
        pen = 'M';
        return '';
      }
      const step = `${pen}${n(point[0])} ${n(point[1])}`;
      pen = 'L';
      return step;
    })
    .join('');
};

/** A line that keeps its value until the next. */
export const stepPath = (points: readonly (readonly [x: number, y: number])[], end: number): string =>
  points.length === 0 ? '' : `${points.map(([x, y], index) => (index === 0 ? `M${n(x)} ${n(y)}` : `H${n(x)}V${n(y)}`)).join('')}H${n(end)}`;

export const line = (x1: number, y1: number, x2: number, y2: number, name: string): string =>
  `<line class="${name}" x1="${n(x1)}" y1="${n(y1)}" x2="${n(x2)}" y2="${n(y2)}"/>`;

export const text = (x: number, y: number, says: string, name: string): string =>
  `<text class="${name}" x="${n(x)}" y="${n(y)}">${escapeHtml(says)}</text>`;

export const rect = (x: number, y: number, width: number, height: number, name: string, more = ''): string =>
  `<rect class="${name}" x="${n(x)}" y="${n(y)}" width="${n(Math.max(0, width))}" height="${n(Math.max(0, height))}"${more}/>`;

/** The ticks of a time axis below an area, and faint lines through it. */
export const timeAxis = (x: Scale, seconds: number, { left, right, top, bottom }: Area): string =>
  timeTicks(seconds, Math.max(2, Math.floor((right - left) / 90)))
    .map((at) => line(x(at), top, x(at), bottom, 'grid') + text(x(at), bottom + 16, clock(at), 'tick middle'))
    .join('');
