import { dirname } from 'node:path';
import { functionsNamespace } from '../../knative/manifests/service.ts';
import type { Changed } from './change-traffic.ts';
import type { DeployResult } from './deploy.ts';
import type { Options } from './options.ts';
import type { Target } from './traffic.ts';

/** @returns the result for people, or as JSON */
export function deployReport(result: DeployResult, { json, dryRun, overlay }: Options): string {
  if (json) return `${JSON.stringify({ overlay, dryRun, ...result }, null, 2)}\n`;
  if (result.would !== undefined)
    return lines([
      'Nothing was changed. The API server would do this:',
      ...result.would.map((line) => `  ${line}`),
      '',
      ...byHand(result.kn),
    ]);
  const width = Math.max(...result.functions.map(({ name }) => name.length));
  const functions = result.functions.map(({ name, revision, changed }) => `${name.padEnd(width)}  ${revision}${changed ? '  new' : ''}`);
  const traffic = result.traffic.map(({ name, traffic }) => `${name}: ${shares(traffic)}`);
  const { url, root, checks } = result.edge;
  return lines([
    ...functions,
    ...(traffic.length > 0 ? ['', ...traffic] : []),
    '',
    ...checks.map(({ path, milliseconds }) => `${url}${path}  answers (${milliseconds} ms)`),
    ...(root === undefined ? [] : [`its root: export CURL_CA_BUNDLE=${root} SSL_CERT_FILE=${root}`]),
    '',
    ...byHand(result.kn),
  ]);
}

/** @returns who gets the requests now, for people or as JSON */
export function trafficReport(changed: readonly Changed[], { json, dryRun, action }: Options): string {
  const kn = changed.map((each) => each.kn);
  if (json) return `${JSON.stringify({ dryRun, traffic: changed, kn }, null, 2)}\n`;
  const names = changed.map(({ name }) => name).join(' ');
  const held = `New revisions get no requests until: npm run deploy -- --unpin ${names}`;
  return lines([
    ...(dryRun ? ['Nothing was changed. It would be:'] : []),
    ...changed.map(({ name, traffic }) => `${name}: ${shares(traffic)}`),
    ...(action === 'rollback' ? [held] : []),
    '',
    ...byHand(kn),
  ]);
}

const shares = (traffic: readonly Target[]): string =>
  traffic
    .map(
      ({ revisionName, percent, tag }) => `${percent} % to ${revisionName ?? 'the newest revision'}${tag === undefined ? '' : ` (${tag})`}`,
    )
    .join(', ');

/** For many files of one folder a loop says it in one line; `-o json` has each. */
function byHand(kn: readonly string[]): string[] {
  const applied = kn.filter((line) => line.includes(' service apply '));
  const folder = dirname(applied[0]?.split(' -f ')[1] ?? '');
  const loop = `for f in ${folder}/*.yaml; do kn -n ${functionsNamespace} service apply "$(basename "$f" .yaml)" -f "$f"; done`;
  const shown = applied.length > 3 ? [loop, ...kn.filter((line) => !applied.includes(line))] : kn;
  return ['The same by hand:', ...shown.map((line) => `  ${line}`)];
}

const lines = (text: readonly string[]): string => `${text.join('\n')}\n`;
