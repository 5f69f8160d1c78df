import { parseArgs } from 'node:util';
import { buildImages, type Image, imageNames } from '../knative/images/build-images.ts';
import { push } from '../knative/images/push.ts';

const help = `npm run images -- [name…] [--push REGISTRY [--plain-http]] [-o json]

Builds container images without Docker into dist/images/<name>, in the OCI image layout. What has not changed keeps its digest.

  name              records-get-record …, postgres, pgbouncer, caddy, migrate; all of them otherwise
  --push REGISTRY   sends each to REGISTRY/<name> ("registry.example/team"), logged in as by docker login or skopeo login
  --plain-http      the registry speaks HTTP without TLS: one on this machine
  -o json           a JSON list of {name, reference, digest, bytes, layout, pushed}
  --help            this text

Prints each image's reference, or what it was pushed as, by digest. Exit codes: 0 done, 1 failed, 2 wrong usage.
`;

const options = {
  push: { type: 'string' },
  'plain-http': { type: 'boolean' },
  output: { type: 'string', short: 'o' },
  help: { type: 'boolean' },
} as const;

class WrongUsage extends Error {}

function given() {
  try {
    return parseArgs({ allowPositionals: true, options });
  } catch (error) {
    throw new WrongUsage((error as Error).message);
  }
}

const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

async function main(): Promise<void> {
  const { values, positionals } = given();
  if (values.help) {
    process.stdout.write(help);
    return;
  }
  if (values.output !== undefined && values.output !== 'json') throw new WrongUsage(`There is no output ${values.output}: json is one.`);
  if (values['plain-http'] && values.push === undefined) throw new WrongUsage('--plain-http says how to push: name a registry by --push.');
  const unknown = positionals.filter((name) => !imageNames().includes(name));
  if (unknown.length > 0) throw new WrongUsage(`There is no image ${unknown.join(', ')}. There are:\n  ${imageNames().join('\n  ')}`);

  const started = performance.now();
  const onProgress = ({ name, bytes }: Image, unchanged: boolean) =>
    process.stderr.write(`${unchanged ? 'unchanged' : 'built'} ${name} (${mib(bytes)})\n`);
  const images = await buildImages(positionals.length > 0 ? positionals : undefined, { onProgress });
  process.stderr.write(`${images.length} images in ${((performance.now() - started) / 1000).toFixed(1)} s\n`);

  const results: (Image & { pushed?: string })[] = [];
  for (const image of images) {
    const pushed = values.push === undefined ? undefined : await push(image, values.push, { plainHttp: values['plain-http'] });
    if (pushed !== undefined) process.stderr.write(`pushed ${image.name}\n`);
    results.push({ ...image, ...(pushed === undefined ? {} : { pushed }) });
  }
  process.stdout.write(
    values.output === 'json'
      ? `${JSON.stringify(results, null, 2)}\n`
      : results.map(({ reference, pushed }) => `${pushed ?? reference}\n`).join(''),
  );
}

try {
  await main();
} catch (error) {
  const usage = error instanceof WrongUsage;
  process.stderr.write(usage ? `${error.message}\n\n${help}` : `${(error as Error).message}\n`);
  process.exitCode = usage ? 2 : 1;
}
