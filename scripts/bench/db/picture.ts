import { width } from '../../load/report/panels.ts';
import { standalone } from '../../load/report/standalone.ts';
import { line, linear, logarithmic, rect, roundUp, text } from '../../load/report/svg.ts';

export interface Bar {
  readonly name: string;
  readonly value: number;
  /** What stands at its end. */
  readonly says: string;
  /** What the others are held against. */
  readonly peer?: boolean;
  /** Where it should end, at the most or at least. */
  readonly goal?: number;
}

const left = 330;
const rowHeight = 34;
const barHeight = 18;
const top = 30;

const style = `
.bar-ours { fill: #2563c9; }
.bar-peer { fill: #8794a8; }
.goal-mark { stroke: var(--red); stroke-width: 2; }
`;

/**
 * Bars, one below the other, on one scale.
 * @param scale "logarithmic" where the values span decades: then a bar's end counts and not its length
 */
export function barsPicture(title: string, bars: readonly Bar[], scale: 'linear' | 'logarithmic' = 'linear'): string {
  const values = bars.flatMap(({ value, goal }) => (goal === undefined ? [value] : [value, goal]));
  const most = roundUp(Math.max(...values));
  const least = 10 ** Math.floor(Math.log10(Math.min(...values)));
  const x = scale === 'linear' ? linear(0, most, left, width - 150) : logarithmic(least, most, left, width - 150);
  const rows = bars.map(({ name, value, says, peer, goal }, index) => {
    const y = top + index * rowHeight;
    return [
      text(left - 12, y + 14, name, 'name end'),
      rect(left, y, x(value) - left, barHeight, peer ? 'bar-peer' : 'bar-ours'),
      text(x(value) + 8, y + 14, says, 'tick'),
      goal === undefined ? '' : line(x(goal), y - 4, x(goal), y + barHeight + 4, 'goal-mark'),
    ].join('');
  });
  const high = top + bars.length * rowHeight + 6;
  return standalone(
    `<svg viewBox="0 0 ${width} ${high}" role="img" aria-label="${title}">${text(left, 14, title, 'tick')}${rows.join('')}</svg>`,
    style,
  );
}
