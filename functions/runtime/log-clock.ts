import type { LogLine } from './log-line.ts';

// Date.toISOString costs as much as the rest of a line: the part up to the second is kept for a second.
let second = -1;

/** How a line of this second begins: `{"time":"2026-01-31T12:34:56.` */
export let secondText = '';

/** Reads the clock. @returns the milliseconds of this second */
export function readClock(): number {
  const now = Date.now();
  const milliseconds = now % 1000;
  if (now - milliseconds !== second) {
    second = now - milliseconds;
    secondText = `{"time":"${new Date(second).toISOString().slice(0, 20)}`;
  }
  return milliseconds;
}

export function beginLine(line: LogLine): void {
  const milliseconds = readClock();
  line.length = 0;
  line.ascii(secondText);
  line.threeDigits(milliseconds);
}
