import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A picture as a file of its own: with what a page does for its pictures, style and a ground to stand on.
 * @param more rules that the report's style lacks
 */
export function standalone(svg: string, more = ''): string {
  const style = readFileSync(join(import.meta.dirname, 'report.css'), 'utf8');
  const font = 'svg { font-family: system-ui, sans-serif; font-variant-numeric: tabular-nums; }';
  const [, size = ''] = /viewBox="0 0 ([\d. ]+)"/.exec(svg) ?? [];
  const [wide, high] = size.split(' ');
  return `${svg.replace('<svg ', '<svg xmlns="http://www.w3.org/2000/svg" ').replace('>', `><style>${style}${font}${more}</style><rect width="${wide}" height="${high}" fill="var(--surface)"/>`)}\n`;
}
