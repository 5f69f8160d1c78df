import { readSettings, secretKey, text } from '../functions/runtime/settings.ts';
import { ensureSigningKey, listSigningKeys, rotateSigningKey } from './keys/signing-keys.ts';

const usage = `npm run keys -- ensure                 makes the first key that signs access tokens, where there is none
npm run keys -- rotate                 publishes a new key, which signs in 10 minutes; the old one verifies until its tokens have expired
npm run keys -- rotate --compromised   the new key signs at once, and tokens of the old one are refused
npm run keys -- list                   every key, the newest first

MIGRATOR_DATABASE_URL says where (record_migrator), KEY_ENCRYPTION_KEY (32 bytes in base64) seals the private parts.`;

/** @returns the exit code: 0 done, 1 failed, 2 wrong usage */
async function main([command, ...flags]: readonly string[]): Promise<number> {
  const compromised = command === 'rotate' && flags.length === 1 && flags[0] === '--compromised';
  if (!['ensure', 'rotate', 'list'].includes(command ?? '') || (flags.length > 0 && !compromised)) {
    process.stderr.write(`${usage}\n`);
    return 2;
  }
  const { url } = readSettings({ url: text('MIGRATOR_DATABASE_URL') }, process.env);
  if (command === 'list') {
    for (const { kid, alg, state, active_from, retire_at } of await listSigningKeys({ url })) {
      const until = retire_at === null ? '' : `, published until ${retire_at.toISOString()}`;
      process.stdout.write(`${kid}  ${alg}  ${state.padEnd(8)}  from ${active_from.toISOString()}${until}\n`);
    }
    return 0;
  }
  const store = { url, ...readSettings({ keyEncryptionKey: secretKey('KEY_ENCRYPTION_KEY') }, process.env) };
  const kid = command === 'ensure' ? await ensureSigningKey(store) : await rotateSigningKey(store, { compromised });
  process.stdout.write(`${kid ?? 'a key signs already'}\n`);
  return 0;
}

process.exitCode = await main(process.argv.slice(2)).catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  return 1;
});
