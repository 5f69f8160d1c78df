import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { type Page, readPages, root, runnable } from './docs/pages.ts';

const pages = readPages();
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** Says every fault of every page at once. */
function noFault(faultsOf: (page: Page) => readonly string[], remedy: string): void {
  const faults = pages.flatMap((page) => faultsOf(page).map((fault) => `${page.path}: ${fault}`));
  assert.deepEqual(faults, [], remedy);
}

test('each block of code says what it is, and each one that is not run says why', () => {
  noFault(
    ({ blocks }) =>
      blocks
        .filter(
          ({ language, info }) =>
            language === '' || (info !== '' && !/^not-run: \S/.test(info) && !(language === 'text' && info === 'output')),
        )
        .map(({ line, language, info }) => `line ${line}: "${language} ${info}"`),
    'write ```sh for what is run, ```sh not-run: REASON for what is not, ```text output for what the block before prints',
  );
});

test('each command is one that a shell understands', () => {
  noFault(
    ({ blocks }) =>
      blocks.flatMap(({ language, text, line }) => {
        if (language !== 'sh') return [];
        try {
          execFileSync('bash', ['-n'], { input: text, stdio: ['pipe', 'ignore', 'pipe'] });
          return [];
        } catch (error) {
          return [`line ${line}: ${(error as { stderr: Buffer }).stderr}`];
        }
      }),
    'mend the command',
  );
});

test('each npm command that a page names is there', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  noFault(
    ({ text }) => [...text.matchAll(/npm run ([a-z-]+)/g)].map((match) => match[1] as string).filter((name) => scripts[name] === undefined),
    'package.json has no such script',
  );
});

/** As GitHub makes it from a heading. */
const slug = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

test('each link leads somewhere', () => {
  noFault(
    ({ path, text }) =>
      [...text.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g)].flatMap(([, file = '', anchor]) => {
        const target = file === '' ? path : normalize(join(dirname(path), file));
        if (!existsSync(join(root, target))) return [target];
        if (anchor === undefined) return [];
        const anchors = [...read(target).matchAll(/^#+ (.*)$|<a id="([^"]+)"/gm)].map(([, heading, id]) => id ?? slug(heading as string));
        return anchors.includes(anchor) ? [] : [`${target}#${anchor}`];
      }),
    'there is no such file or heading',
  );
});

test('each path that a page names is there', () => {
  const top = readdirSync(root);
  noFault(
    ({ path, text }) =>
      // The walk through a new function names what it makes.
      path === 'docs/new-function.md'
        ? []
        : [...text.matchAll(/`([\w.-]+\/[\w./-]*)`/g)]
            .map((match) => match[1] as string)
            .filter((named) => top.includes(named.split('/')[0] as string) && !existsSync(join(root, named))),
    'there is no such path',
  );
});

test('every setting of the code is told in docs/operations.md, and every one told there is one of the code', () => {
  const sources = globSync('{functions,scripts}/**/*.ts', { cwd: root })
    .filter((file) => !file.endsWith('.test.ts') && !file.includes('/docs/'))
    .map(read)
    .join('\n');
  const settings = [...sources.matchAll(/\b(?:text|integer|flag|secretKey|port)\('([A-Z][A-Z0-9_]+)'/g)].map((match) => match[1] as string);
  const told = new Set([...read('docs/operations.md').matchAll(/^\| `([A-Z][A-Z0-9_]+)`/gm)].map((match) => match[1] as string));
  assert.ok(settings.length > 15, 'settings are found in the code');
  assert.deepEqual(
    [...new Set(settings)].filter((name) => !told.has(name) && name !== 'MIGRATOR_DATABASE_URL').sort(),
    [],
    'add them to the tables of docs/operations.md',
  );
  const made = (name: string): boolean => sources.includes(name) || sources.includes(`${'RECORD_PLATFORM_'}\${name.toUpperCase()}`);
  assert.deepEqual(
    [...told].filter((name) => !made(name)),
    [],
    'nothing reads them any more',
  );
});

test('the commands that existing clients use are in the README as they are', () => {
  const pasted = runnable(pages.find(({ path }) => path === 'README.md') as Page).map(({ block }) => block.text);
  const commands = [
    `curl --http2 -H "Host: record.local" -H "Content-Type: application/json" -X POST https://record.local:8443/api/auth/register -d '{"email":"test@example.com","password":"test123"}'`,
    `curl --http3-only -H "Content-Type: application/json" -X POST https://record.local:8443/api/auth/login -d '{"email":"test@example.com","password":"test123"}'`,
    'grpcurl -insecure -H "Host: record.local" record.local:8443 auth.AuthService/HealthCheck',
    `grpcurl -insecure -d '{"email":"test@example.com","password":"test123"}' record.local:8443 auth.AuthService/Authenticate`,
    'grpcurl -insecure record.local:8443 list',
  ];
  for (const command of commands)
    assert.ok(
      pasted.some((text) => text.split('\n').includes(command)),
      command,
    );
});
