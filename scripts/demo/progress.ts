/** Says how far a long step is, on stderr and only on a terminal: elsewhere it would fill a log. */
export function progress(title: string, total: number): { at(done: number): void; end(): void } {
  if (!process.stderr.isTTY) return { at: () => {}, end: () => {} };
  let shown = -1;
  return {
    at(done) {
      const filled = Math.floor((done / total) * 30);
      if (filled === shown && done < total) return;
      shown = filled;
      process.stderr.write(`\r${title} [${'█'.repeat(filled)}${'·'.repeat(30 - filled)}] ${done}/${total}`);
    },
    // Takes the line away: what was done is printed on stdout.
    end: () => void process.stderr.write('\r\x1b[K'),
  };
}
