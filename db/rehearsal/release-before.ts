import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
/** The first migration that a running release has to live through. */
const firstChecked = 4;

const git = (...args: readonly string[]): string =>
  execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();

/**
 * The newest commit that has no migration to live through: what runs while the migrations since then are applied.
 * @returns undefined where this checkout doesn't know its history: a copy without git, a shallow clone
 */
export function releaseBefore(): string | undefined {
  try {
    const adding = git(
      'log',
      '--no-renames',
      '--diff-filter=A',
      '--reverse',
      '--topo-order',
      '--format=commit %H',
      '--name-only',
      '--',
      'db/migrations',
    );
    let commit = '';
    for (const line of adding.split('\n')) {
      if (line.startsWith('commit ')) commit = line.slice('commit '.length);
      else if (Number(/\/(\d{4})_/.exec(line)?.[1] ?? 0) >= firstChecked) return git('rev-parse', `${commit}^`);
    }
    return git('rev-parse', 'HEAD');
  } catch {
    return undefined;
  }
}

/** Puts the sources of a commit into a folder, with this checkout's packages. */
export function checkOut(commit: string, folder: string): void {
  mkdirSync(folder, { recursive: true });
  const archive = execFileSync('git', ['archive', '--format=tar', commit, 'functions', 'proto', 'scripts', 'db', 'package.json'], {
    cwd: root,
    maxBuffer: 256 * 1024 ** 2,
  });
  execFileSync('tar', ['-x', '-C', folder], { input: archive });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
}
