import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readSettings, secretKey, text } from '../functions/runtime/settings.ts';
import { ensureSigningKey, type KeyStore, listSigningKeys, rotateSigningKey } from './keys/signing-keys.ts';
import { databaseUrl, stackSecrets, stackSettings } from './stack/state.ts';

const usage = `npm run keys -- ensure                 makes the first key that signs access tokens, where there is none
npm run keys -- rotate                 publishes a new key, which signs in 10 minutes; the old one verifies until its tokens have expired
npm run keys -- rotate --compromised   the new key signs at once, and tokens of the old one are refused
npm run keys -- list                   every key, the newest first

Without more it is about the local stack. Elsewhere, MIGRATOR_DATABASE_URL says where (record_migrator), and KEY_ENCRYPTION_KEY
(32 bytes in base64, of the auth functions) seals the private parts.`;

const spec = { url: text('MIGRATOR_DATABASE_URL'), keyEncryptionKey: secretKey('KEY_ENCRYPTION_KEY') };

/** From the environment where it says something about it, else of the local stack. @throws Error that names what is missing */
function keyStore(environment: NodeJS.ProcessEnv): KeyStore {
  if (Object.values(spec).some(({ variable }) => environment[variable] !== undefined)) return readSettings(spec, environment);
  const settings = stackSettings(environment);
  if (!existsSync(join(settings.folder, 'secrets.json'))) throw new Error(`There is no local stack yet: npm start makes it.`);
  const secrets = stackSecrets(settings);
  return {
    url: databaseUrl('record_migrator', secrets, settings.postgresPort),
    keyEncryptionKey: Buffer.from(secrets.KEY_ENCRYPTION_KEY, 'base64'),
  };
}

/** @returns the exit code: 0 done, 1 failed, 2 wrong usage */
async function main([command, ...flags]: readonly string[]): Promise<number> {
  const compromised = command === 'rotate' && flags.length === 1 && flags[0] === '--compromised';
  if (!['ensure', 'rotate', 'list'].includes(command ?? '') || (flags.length > 0 && !compromised)) {
    process.stderr.write(`${usage}\n`);
    return 2;
  }
  const store = keyStore(process.env);
  if (command === 'list') {
    for (const { kid, alg, state, active_from, retire_at } of await listSigningKeys(store)) {
      const until = retire_at === null ? '' : `, published until ${retire_at.toISOString()}`;
      process.stdout.write(`${kid}  ${alg}  ${state.padEnd(8)}  from ${active_from.toISOString()}${until}\n`);
    }
    return 0;
  }
  const kid = command === 'ensure' ? await ensureSigningKey(store) : await rotateSigningKey(store, { compromised });
  process.stdout.write(`${kid ?? 'a key signs already'}\n`);
  return 0;
}

process.exitCode = await main(process.argv.slice(2)).catch((error: Error & { code?: string }) => {
  const remedy = error.code === 'ECONNREFUSED' ? 'The database cannot be reached: is the local stack up (npm start)? ' : '';
  process.stderr.write(`${remedy}${error.message}\n`);
  return 1;
});
