import { fork } from 'node:child_process';
import { join } from 'node:path';
import { flags } from './training-flags.ts';

/** A start and one question in each protocol take a fraction of this, on a busy machine too. */
const trainingSecondsMax = 30;

/**
 * Runs a bundle once, so that its folder holds what V8 compiled (train.ts).
 * @returns the files that were loaded before the first answer.
 * @throws Error with what the function wrote, where it does not start or does not answer.
 */
export async function train(folder: string): Promise<ReadonlySet<string>> {
  const loadedFirst = await runScript('train.ts', folder);
  await runScript('settle-cache.ts', folder);
  return new Set(loadedFirst as string[]);
}

/** @returns what the script told its parent, if anything */
async function runScript(script: string, folder: string): Promise<unknown> {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const child = fork(join(import.meta.dirname, script), [folder], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], execArgv: flags, env });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text) => {
      output = (output + text).slice(-8_000);
    });
  let told: unknown;
  child.on('message', (message) => {
    told = message;
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), trainingSecondsMax * 1000);
  const code = await new Promise((resolve) => child.on('close', resolve));
  clearTimeout(timer);
  if (code !== 0) throw new Error(`the bundle in ${folder} did not get through its training run:\n${readable(output)}`);
  return told;
}

/** Without what a minified line is too long to be read for. */
const readable = (output: string): string =>
  output
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => (line.length > lineMax ? `${line.slice(0, lineMax)} …` : line))
    .join('\n');
const lineMax = 300;
