import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { describeStatements, statementsOfPackage } from '../db/rehearsal/statements.ts';
import { runBackup, runRestore } from './db/backup/command.ts';
import { clientEnvironment } from './db/client-environment.ts';
import { dumpSchema, schemaFile } from './db/dump.ts';
import { migrate, migrationStatus } from './db/migrate.ts';
import { runSeed } from './db/seed/command.ts';
import { startTestServers } from './db/test-servers.ts';
import { databaseName, databaseUrl, stackSecrets, stackSettings } from './stack/state.ts';
import { psql } from './tools/debian.ts';
import { Remedy } from './tools/install.ts';

const help = `npm run db -- <command>

  migrate                applies the migrations of db/migrations that the database lacks, each in one transaction
  status                 which migrations it has, and which it lacks; exit code 1 where it lacks some
  psql [--role ROLE] [-- ARGUMENT …]
                         opens psql. ROLE is record_owner (default), auth_app, record_app or postgres (the superuser; local stack only)
  seed [--help]          fills the database with accounts and 1.13 million records, for benches and for trying things out
  backup [--help]        makes a backup of the local stack's database while it runs, lists them, or looks whether all is well
  restore [--help]       puts the local stack's database back to a moment
  dump [--release]       writes db/schema.sql anew, from a fresh database with all migrations; at a release also db/baseline.json, the
                         statements of its functions, which every schema to come must answer
  --help                 this text

It is about the local stack, which must be running (npm start). Elsewhere MIGRATOR_DATABASE_URL says where: record_migrator's
postgres://…, straight to PostgreSQL.

Exit codes: 0 done, 1 failed, 2 wrong usage.
`;

const roles = ['record_owner', 'auth_app', 'record_app', 'postgres'] as const;
type Role = (typeof roles)[number];

class WrongUsage extends Error {}

/** Of a role that logs in. @throws Remedy where it isn't known */
function urlOf(role: Exclude<Role, 'record_owner'> | 'record_migrator'): string {
  const elsewhere = process.env.MIGRATOR_DATABASE_URL;
  if (elsewhere) {
    if (role !== 'record_migrator')
      throw new WrongUsage(`MIGRATOR_DATABASE_URL has no password of ${role}: only --role record_owner works there.`);
    return elsewhere;
  }
  const settings = stackSettings();
  if (!existsSync(join(settings.folder, 'secrets.json'))) throw new Remedy('There is no local stack yet: npm start makes it.');
  return databaseUrl(role, stackSecrets(settings), settings.postgresPort, databaseName);
}

async function runMigrate(): Promise<number> {
  const { applied } = await migrate({
    url: urlOf('record_migrator'),
    onStep: (name, milliseconds) => process.stderr.write(`${name} applied in ${Math.round(milliseconds)} ms\n`),
  });
  process.stdout.write(applied.length === 0 ? 'The database has every migration.\n' : `${applied.length} applied.\n`);
  return 0;
}

async function runStatus(): Promise<number> {
  const { applied, pending } = await migrationStatus(urlOf('record_migrator'));
  for (const { name, applied_at } of applied) process.stdout.write(`${name}  applied ${applied_at.toISOString()}\n`);
  for (const { name } of pending) process.stdout.write(`${name}  lacking\n`);
  return pending.length === 0 ? 0 : 1;
}

async function runPsql(role: string, args: readonly string[]): Promise<number> {
  if (!roles.includes(role as Role)) throw new WrongUsage(`${role} is no role: ${roles.join(', ')}.`);
  const owner = role === 'record_owner';
  const url = urlOf(owner ? 'record_migrator' : (role as Exclude<Role, 'record_owner'>));
  const [program = '', ...own] = await psql();
  const environment = { ...clientEnvironment(url), ...(owner ? { PGOPTIONS: '-c role=record_owner' } : {}) };
  const child = spawn(program, [...own, ...args], { stdio: 'inherit', env: environment });
  // Ctrl-C is psql's: it ends the statement there, and not this process.
  process.on('SIGINT', () => {});
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

const baselineFile = fileURLToPath(new URL('../db/baseline.json', import.meta.url));

/** What the functions ask of the database now, and what it answers. @param superuser of the database, which reads what each role may */
async function dumpStatements(superuser: URL): Promise<string> {
  const packages = await Promise.all(
    ['auth', 'records'].map(async (name) => [name, await describeStatements(superuser.href, statementsOfPackage(name))] as const),
  );
  return `${JSON.stringify(Object.fromEntries(packages), null, 1)}\n`;
}

async function runDump(release: boolean): Promise<number> {
  const servers = await startTestServers();
  try {
    const template = new URL(servers.postgresUrl);
    template.pathname = `/${await servers.freshDatabase()}`;
    writeFileSync(schemaFile, await dumpSchema(template.href));
    if (release) writeFileSync(baselineFile, await dumpStatements(template));
  } finally {
    await servers.stop();
  }
  process.stdout.write(release ? 'db/schema.sql and db/baseline.json are written.\n' : 'db/schema.sql is written.\n');
  return 0;
}

async function main(): Promise<number> {
  // They have options of their own.
  if (process.argv[2] === 'backup') return runBackup(process.argv.slice(3));
  if (process.argv[2] === 'restore') return runRestore(process.argv.slice(3));
  if (process.argv[2] === 'seed') return runSeed(process.argv.slice(3), () => urlOf('record_migrator'));
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { role: { type: 'string', default: 'record_owner' }, release: { type: 'boolean', default: false }, help: { type: 'boolean' } },
  });
  const [command, ...rest] = positionals;
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  if (rest.length > 0 && command !== 'psql') throw new WrongUsage(`${rest[0]} is one word too many.`);
  if (command === 'migrate') return runMigrate();
  if (command === 'status') return runStatus();
  if (command === 'psql') return runPsql(values.role, rest);
  if (command === 'dump') return runDump(values.release);
  throw new WrongUsage(command === undefined ? 'A command is missing.' : `${command} is no command.`);
}

process.exitCode = await main().catch((error: Error & { code?: string }) => {
  if (error instanceof WrongUsage || error.code?.startsWith('ERR_PARSE_ARGS')) {
    process.stderr.write(`${error.message}\n\n${help}`);
    return 2;
  }
  const unreachable = error.code === 'ECONNREFUSED' ? 'The database cannot be reached: is the local stack up (npm start)? ' : '';
  process.stderr.write(`${unreachable}${error.message}\n`);
  return 1;
});
