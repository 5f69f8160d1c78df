import type { Mark } from '../figures.ts';
import { margin, type Panel, width } from './panels.ts';
import { type Area, escapeHtml, line, linear, text, timeAxis } from './svg.ts';

const titleHeight = 42;
const laneGap = 8;
const axisHeight = 26;
const markHeight = 20;

/**
 * Panels below one another on one scale of time.
 * @param until seconds at the right end
 * @param id names the figure for the script that shows what is under the pointer; its seconds are those of `perSecond`
 */
export function figure(panels: readonly Panel[], marks: readonly Mark[], until: number, label: string, id?: string): string {
  const right = width - margin.right;
  const x = linear(0, until, margin.left, right);
  let top = marks.length > 0 ? markHeight : 0;
  const placed = panels.map((panel) => {
    const titled = panel.title !== '';
    const area: Area = {
      left: margin.left,
      right,
      top: top + (titled ? titleHeight : laneGap),
      bottom: top + (titled ? titleHeight : laneGap) + panel.height,
    };
    top = area.bottom;
    return { panel, area };
  });
  const whole: Area = { left: margin.left, right, top: placed[0]?.area.top ?? 0, bottom: top };
  const height = top + axisHeight;
  const parts = [
    timeAxis(x, until, whole),
    ...placed.map(({ panel, area }) => panel.draw(area, x)),
    ...placed.map(({ panel: { title, note }, area }) => (title === '' ? '' : titleOf(title, note, area))),
    ...marks.map(({ at, says }) => markOf(x(at), says, whole, right)),
    id === undefined ? '' : line(0, whole.top, 0, whole.bottom, 'pointer'),
  ];
  const data = id === undefined ? '' : ` data-figure="${id}" data-left="${margin.left}" data-right="${right}" data-seconds="${until}"`;
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(label)}"${data}>${parts.join('')}</svg>`;
}

const titleOf = (title: string, note: Panel['note'], { left, top }: Area): string => {
  const parts = note.map(([says, name]) => `<tspan class="${name}" dx="12">${escapeHtml(says)}</tspan>`);
  return `<text x="${left}" y="${top - 12}"><tspan class="title">${escapeHtml(title)}</tspan>${parts.join('')}</text>`;
};

/** A line through all panels; its words stand on the side where there is room. */
function markOf(x: number, says: string, { top, bottom }: Area, right: number): string {
  const leftwards = x > right - 180;
  return (
    line(x, 10, x, bottom, 'mark') + text(leftwards ? x - 6 : x + 6, Math.min(16, top), says, leftwards ? 'mark-label end' : 'mark-label')
  );
}
