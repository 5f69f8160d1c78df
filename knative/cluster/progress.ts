/** How far a long work is, on stderr: a moving line on a terminal, else a line when a step begins to take long and one when it ends. */
export interface Progress {
  /** Does one step under its title; steps may follow each other, not overlap. */
  step<T>(title: string, work: (note: (text: string) => void) => Promise<T>): Promise<T>;
}

/** Quicker steps leave no line where nobody watches. */
const longMs = 1500;

export function progress(
  write: (text: string) => void = (text) => void process.stderr.write(text),
  terminal = process.stderr.isTTY,
): Progress {
  return {
    async step(title, work) {
      const start = performance.now();
      let noted = '';
      const line = () => `${title}${noted && ` · ${noted}`} · ${duration(performance.now() - start)}`;
      const timer = setInterval(() => terminal && write(`\r\x1b[K${line()}`), 200);
      const note = (text: string): void => {
        noted = text;
        if (!terminal) write(`${line()}\n`);
      };
      try {
        const result = await work(note);
        noted = '';
        if (terminal || performance.now() - start > longMs) write(`${terminal ? '\r\x1b[K' : ''}${line()}\n`);
        return result;
      } catch (error) {
        write(`${terminal ? '\r\x1b[K' : ''}${line()} · failed\n`);
        throw error;
      } finally {
        clearInterval(timer);
      }
    },
  };
}

/** "0.4 s", "41 s", "3 min 07 s" */
export function duration(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  return `${Math.floor(seconds / 60)} min ${String(Math.floor(seconds % 60)).padStart(2, '0')} s`;
}
