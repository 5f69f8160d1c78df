import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { skopeo } from '../../scripts/tools/debian.ts';
import { Remedy, run } from '../../scripts/tools/install.ts';
import type { Image } from './build-images.ts';

export interface PushOptions {
  /** Without TLS: a registry on this machine. */
  readonly plainHttp?: boolean | undefined;
}

/**
 * Pushes an image by skopeo: layers that the registry has are not sent again, and the digest stays what it is here.
 * Who may push is said by the ordinary files: $REGISTRY_AUTH_FILE, or ~/.docker/config.json as `docker login` writes it.
 * @param target registry and folder: "registry.example/team"
 * @returns what to deploy: "registry.example/team/records-get-record@sha256:…"
 * @throws Remedy with what skopeo said
 */
export async function push(
  image: Pick<Image, 'name' | 'reference' | 'layout'>,
  target: string,
  options: PushOptions = {},
): Promise<string> {
  const [tag = ''] = image.reference.split(':').slice(-1);
  const repository = `${target.replace(/\/$/, '')}/${image.name}`;
  const temporary = mkdtempSync(join(tmpdir(), 'record-platform-push-'));
  const digestFile = join(temporary, 'digest');
  // skopeo asks for a file that says whose signatures count. Here the digest says what is what.
  const command = [...(await skopeo()), '--insecure-policy', '--tmpdir', temporary, 'copy', '--quiet', '--preserve-digests'];
  const where = [`oci:${image.layout}:${image.reference}`, `docker://${repository}:${tag}`];
  const remedy = `Is ${target} a registry that you may push to? Log in (docker login, skopeo login), or name another: --push registry.example/team`;
  try {
    await run([...command, '--digestfile', digestFile, `--dest-tls-verify=${!options.plainHttp}`, ...where], remedy);
    return `${repository}@${readFileSync(digestFile, 'utf8').trim()}`;
  } catch (error) {
    if (!(error instanceof Remedy)) throw error;
    throw new Remedy(`${image.name} was not pushed to ${target}. ${error.message}`);
  } finally {
    rmSync(temporary, { recursive: true });
  }
}
