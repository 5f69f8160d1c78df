import { spawn } from 'node:child_process';
import { type Page, root, runnable } from './pages.ts';

/** One block that did not do what its page says. */
export interface Fault {
  /** "README.md:42" */
  readonly place: string;
  readonly says: string;
}

const marker = '>>> block ';

/**
 * Runs a page's `sh` blocks from top to bottom in one shell, since they build on one another, and compares what they print with the page.
 * @param environment of the shell: where its programs are, what they trust
 * @returns what was not as the page says, at most the first failing command
 */
export async function runPage(page: Page, environment: NodeJS.ProcessEnv): Promise<Fault[]> {
  const blocks = runnable(page);
  const script = blocks.map(({ block }, index) => `echo; echo '${marker}${index}'\n${block.text}`).join('\n');
  const { code, stdout, stderr } = await bash(`set -euo pipefail\n${script}\necho; echo '${marker}end'\n`, environment);
  const printed = stdout.split(/^>>> block .*\n/m).slice(1);
  const place = (index: number): string => `${page.path}:${blocks[index]?.block.line}`;
  if (code !== 0) {
    const index = printed.length - 1;
    return [{ place: place(index), says: `exit code ${code}\n${printed[index]}${stderr.slice(-2000)}` }];
  }
  return blocks.flatMap(({ output }, index) => {
    const came = (printed[index] ?? '').trimEnd();
    return output === undefined || matches(output.trimEnd(), came)
      ? []
      : [{ place: place(index), says: `printed\n${came}\nand not\n${output}` }];
  });
}

function matches(expected: string, came: string): boolean {
  const parts = expected.split('…').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('[\\s\\S]*')}$`).test(came);
}

function bash(script: string, environment: NodeJS.ProcessEnv): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    // npm says what it runs before it does; the pages leave that out.
    const child = spawn('bash', ['-s'], { cwd: root, env: { ...environment, npm_config_loglevel: 'silent' } });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
    child.stdin.end(script);
  });
}
